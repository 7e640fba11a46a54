/** The sharing protocol: how an application hands memory to a device's server. */
@SuppressWarnings("module") // what is named here is built later
module dev.ublk4j.handover {
    requires transitive dev.ublk4j.linux;
    requires static transitive org.jspecify;

    exports dev.ublk4j.handover to
            dev.ublk4j.cli,
            dev.ublk4j.client,
            dev.ublk4j.sharing,
            dev.ublk4j.vhostuser;
}
