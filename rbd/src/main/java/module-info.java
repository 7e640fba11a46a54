/** Images of Ceph RBD as targets, by Ceph's library librbd. */
module dev.ublk4j.rbd {
    requires static transitive org.jspecify;
    requires transitive dev.ublk4j.server;
    requires dev.ublk4j.linux;

    exports dev.ublk4j.rbd;

    provides dev.ublk4j.server.TargetProvider with
            dev.ublk4j.rbd.RbdProvider;
}
