/** The sharing protocol: how an application hands memory to a device's server. */
module dev.ublk4j.handover {
    requires transitive dev.ublk4j.linux;
    requires static transitive org.jspecify;

    exports dev.ublk4j.handover;
}
