/**
 * Tests of what a power cut leaves of a disk: a recorder, every image that is possible, the
 * shortest failure.
 */
module dev.ublk4j.crash {
    requires static transitive org.jspecify;
    requires static org.junit.jupiter.api;
    requires dev.ublk4j.embedded;
    requires transitive dev.ublk4j.layers;
    requires transitive dev.ublk4j.server;
    requires dev.ublk4j.targets;
    requires dev.ublk4j.testkit;

    exports dev.ublk4j.crash;
    exports dev.ublk4j.crash.junit;
}
