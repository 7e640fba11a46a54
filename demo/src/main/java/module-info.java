/**
 * A device, an application that shares its memory with it, and the proof that nothing is copied.
 */
module dev.ublk4j.demo {
    requires static transitive org.jspecify;
    requires transitive dev.ublk4j.driver;
    requires transitive dev.ublk4j.client;
    requires dev.ublk4j.embedded;
    requires dev.ublk4j.kernel;
    requires dev.ublk4j.sharedmemory;
    requires transitive dev.ublk4j.server;
    requires dev.ublk4j.targets;

    exports dev.ublk4j.demo;
    exports dev.ublk4j.demo.pagecache;
}
