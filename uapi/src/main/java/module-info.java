/** What the header {@code linux/ublk_cmd.h} says, in Java. */
@SuppressWarnings("module") // what is named here is built later
module dev.ublk4j.uapi {
    requires static transitive org.jspecify;

    exports dev.ublk4j.uapi;
    exports dev.ublk4j.uapi.wire to
            dev.ublk4j.cli,
            dev.ublk4j.driver,
            dev.ublk4j.embedded,
            dev.ublk4j.kernel,
            dev.ublk4j.server,
            dev.ublk4j.sharing,
            dev.ublk4j.targets,
            dev.ublk4j.testkit;
}
