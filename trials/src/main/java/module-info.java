/** Supports tests: random sequences of operations, and what a test leaves open. */
module dev.ublk4j.trials {
    requires static transitive org.jspecify;

    exports dev.ublk4j.trials;
}
