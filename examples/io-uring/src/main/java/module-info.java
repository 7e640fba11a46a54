/** Reads files through io_uring. */
module com.example.iouring {
    requires dev.ublk4j.uring;

    exports com.example;
}
