/** Direct I/O for applications that use a block device, without a copy where memory is shared. */
module dev.ublk4j.client {
    requires static transitive org.jspecify;
    requires dev.ublk4j.handover;
    requires transitive dev.ublk4j.linux;
    requires transitive dev.ublk4j.sharedmemory;
    requires transitive dev.ublk4j.uring;

    exports dev.ublk4j.client;
}
