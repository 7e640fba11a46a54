/** Tests of targets: requests in one line, faults, and random exercise against a model. */
module dev.ublk4j.testkit {
    requires static transitive org.jspecify;
    requires transitive dev.ublk4j.embedded;
    requires transitive dev.ublk4j.server;
    requires dev.ublk4j.sharedmemory;
    requires dev.ublk4j.trials;

    exports dev.ublk4j.testkit;
    exports dev.ublk4j.testkit.fault;
}
