/** Devices, queue threads, requests and the API that a target implements. */
module dev.ublk4j.server {
    requires static transitive org.jspecify;
    requires transitive dev.ublk4j.driver;

    exports dev.ublk4j.server;
}
