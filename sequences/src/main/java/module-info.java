/** Random sequences of operations for tests, and the shortest one that fails. */
module dev.ublk4j.sequences {
    requires static transitive org.jspecify;

    exports dev.ublk4j.sequences;
}
