/** Devices, queue threads, requests and the API that a target implements. */
@SuppressWarnings("module") // what has guests for its queues is built later
module dev.ublk4j.server {
    requires static transitive org.jspecify;
    requires transitive dev.ublk4j.driver;

    exports dev.ublk4j.server;
    exports dev.ublk4j.server.spi to
            dev.ublk4j.exports;
}
