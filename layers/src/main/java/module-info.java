/** Targets made of other targets: stripe, mirror, concatenation, overlay, faults. */
module dev.ublk4j.layers {
    requires static transitive org.jspecify;
    requires transitive dev.ublk4j.server;

    exports dev.ublk4j.layers;
}
