/** io_uring for Java: submission and completion rings over {@code java.lang.foreign}. */
module dev.ublk4j.uring {
    requires transitive dev.ublk4j.linux;
    requires static transitive org.jspecify;

    exports dev.ublk4j.uring;
}
