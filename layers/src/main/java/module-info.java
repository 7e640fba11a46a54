/** Targets made of other targets: stripe, mirror, concatenation, overlay, delay, errors. */
module dev.ublk4j.layers {
    requires static transitive org.jspecify;
    requires transitive dev.ublk4j.server;

    exports dev.ublk4j.layers;
}
