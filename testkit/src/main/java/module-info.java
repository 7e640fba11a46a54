/**
 * Tests of targets: requests in one line, faults, and random exercise against a model. Tests of
 * applications: a device that the test serves.
 */
module dev.ublk4j.testkit {
    requires static transitive org.jspecify;
    requires transitive dev.ublk4j.client;
    requires transitive dev.ublk4j.embedded;
    requires dev.ublk4j.kernel;
    requires transitive dev.ublk4j.server;
    requires dev.ublk4j.sharedmemory;
    requires dev.ublk4j.trials;

    exports dev.ublk4j.testkit;
    exports dev.ublk4j.testkit.client;
    exports dev.ublk4j.testkit.fault;
}
