/** A vhost-user-blk device: disks of the embedded driver for QEMU guests and libblkio. */
module dev.ublk4j.vhostuser {
    requires static transitive org.jspecify;
    requires transitive dev.ublk4j.embedded;
    requires transitive dev.ublk4j.server;
    requires dev.ublk4j.exports;
    requires dev.ublk4j.handover;
    requires dev.ublk4j.sharedmemory;
    requires dev.ublk4j.uapi;
    requires dev.ublk4j.uring;

    exports dev.ublk4j.vhostuser;
}
