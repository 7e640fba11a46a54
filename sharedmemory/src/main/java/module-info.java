/** Memory that processes share: files to map, seals, page frames. */
module dev.ublk4j.sharedmemory {
    requires transitive dev.ublk4j.linux;
    requires static transitive org.jspecify;

    exports dev.ublk4j.sharedmemory;
}
