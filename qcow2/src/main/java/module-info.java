/** A target in an image of QEMU's format qcow2, with its backing files. */
@SuppressWarnings("module") // The digit is the format's.
module dev.ublk4j.qcow2 {
    requires static transitive org.jspecify;
    requires transitive dev.ublk4j.server;
    requires transitive dev.ublk4j.targets;

    exports dev.ublk4j.qcow2;
}
