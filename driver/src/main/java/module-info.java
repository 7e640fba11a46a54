/** The seam between a server and a ublk driver: commands in, descriptors and completions out. */
module dev.ublk4j.driver {
    requires static transitive org.jspecify;
    requires transitive dev.ublk4j.linux;
    requires transitive dev.ublk4j.uapi;
    requires transitive dev.ublk4j.uring;

    exports dev.ublk4j.driver;
}
