/** The seam between a server and a ublk driver: commands in, descriptors and completions out. */
@SuppressWarnings("module") // what is named here is built later
module dev.ublk4j.driver {
    requires static transitive org.jspecify;
    requires transitive dev.ublk4j.linux;
    requires transitive dev.ublk4j.uapi;
    requires transitive dev.ublk4j.uring;

    exports dev.ublk4j.driver;
    exports dev.ublk4j.driver.control to
            dev.ublk4j.cli,
            dev.ublk4j.server,
            dev.ublk4j.testkit;
    exports dev.ublk4j.driver.spi;
}
