/** What a device can be made of: null, memory, file. */
module dev.ublk4j.targets {
    requires static transitive org.jspecify;
    requires transitive dev.ublk4j.server;

    exports dev.ublk4j.targets;
}
