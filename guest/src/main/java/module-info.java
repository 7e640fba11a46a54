/**
 * Real kernels in tests: user-mode Linux, with disks that a test records, and whose power it cuts.
 */
module dev.ublk4j.guest {
    requires static transitive org.jspecify;
    requires transitive dev.ublk4j.crash;
    requires transitive dev.ublk4j.server;
    requires dev.ublk4j.linux;
    requires dev.ublk4j.vhostuser;

    exports dev.ublk4j.guest;
}
