/** The driver of the Linux kernel, behind the seam. */
module dev.ublk4j.kernel {
    requires static transitive org.jspecify;
    requires transitive dev.ublk4j.driver;

    exports dev.ublk4j.kernel;
}
