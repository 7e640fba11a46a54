/** Memory that processes share: files to map, seals, page frames. */
@SuppressWarnings("module") // what is named here is built later
module dev.ublk4j.sharedmemory {
    requires transitive dev.ublk4j.linux;
    requires static transitive org.jspecify;

    exports dev.ublk4j.sharedmemory;
    exports dev.ublk4j.sharedmemory.frames to
            dev.ublk4j.embedded,
            dev.ublk4j.vhostuser;
    exports dev.ublk4j.sharedmemory.process to
            dev.ublk4j.sharing;
}
