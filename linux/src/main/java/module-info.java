/** Linux system calls, errno and mappings for Java, without native code of its own. */
@SuppressWarnings("module") // what is named here is built later
module dev.ublk4j.linux {
    requires static transitive org.jspecify;

    exports dev.ublk4j.linux;
    exports dev.ublk4j.linux.call to
            dev.ublk4j.embedded,
            dev.ublk4j.sharedmemory,
            dev.ublk4j.sharing,
            dev.ublk4j.uring,
            dev.ublk4j.vhostuser;
    exports dev.ublk4j.linux.internal to
            dev.ublk4j.cli,
            dev.ublk4j.client,
            dev.ublk4j.driver,
            dev.ublk4j.embedded,
            dev.ublk4j.exports,
            dev.ublk4j.layers,
            dev.ublk4j.nbd,
            dev.ublk4j.qcow2,
            dev.ublk4j.rbd,
            dev.ublk4j.server,
            dev.ublk4j.sharedmemory,
            dev.ublk4j.sharing,
            dev.ublk4j.targets,
            dev.ublk4j.vhostuser;
    exports dev.ublk4j.linux.socket to
            dev.ublk4j.cli,
            dev.ublk4j.handover,
            dev.ublk4j.nbd,
            dev.ublk4j.sharing,
            dev.ublk4j.vhostuser;
}
