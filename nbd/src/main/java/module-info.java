/** The protocol NBD: devices of the embedded driver for its clients, and a target that is one. */
module dev.ublk4j.nbd {
    requires static transitive org.jspecify;
    requires transitive dev.ublk4j.embedded;
    requires transitive dev.ublk4j.server;
    requires dev.ublk4j.exports;
    requires dev.ublk4j.linux;
    requires dev.ublk4j.sharedmemory;
    requires dev.ublk4j.uring;

    exports dev.ublk4j.nbd;
}
