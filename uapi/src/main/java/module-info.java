/** What the header {@code linux/ublk_cmd.h} says, in Java. */
module dev.ublk4j.uapi {
    requires static transitive org.jspecify;

    exports dev.ublk4j.uapi;
}
