/** Takes memory from applications and shares it with a device. */
module dev.ublk4j.sharing {
    requires static transitive org.jspecify;
    requires transitive dev.ublk4j.server;
    requires transitive dev.ublk4j.handover;
    requires transitive dev.ublk4j.sharedmemory;

    exports dev.ublk4j.sharing;
    exports dev.ublk4j.sharing.adopt;
    exports dev.ublk4j.sharing.store;
}
