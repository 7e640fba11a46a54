/** Serves clients of other protocols on a queue's thread, over the embedded driver. */
@SuppressWarnings("module") // those who use it are built later
module dev.ublk4j.exports {
    requires static transitive org.jspecify;
    requires transitive dev.ublk4j.embedded;
    requires transitive dev.ublk4j.linux;
    requires transitive dev.ublk4j.server;
    requires transitive dev.ublk4j.uring;

    exports dev.ublk4j.exports to
            dev.ublk4j.nbd,
            dev.ublk4j.vhostuser;
}
