/** The ublk driver in Java: the kernel's side of the seam, without the kernel. */
module dev.ublk4j.embedded {
    requires static transitive org.jspecify;
    requires transitive dev.ublk4j.driver;
    requires transitive dev.ublk4j.linux;
    requires dev.ublk4j.sharedmemory;
    requires dev.ublk4j.uapi;
    requires dev.ublk4j.uring;

    exports dev.ublk4j.embedded;
}
