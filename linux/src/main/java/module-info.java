/** Linux system calls, errno and mappings for Java, without native code of its own. */
module dev.ublk4j.linux {
    requires static transitive org.jspecify;

    exports dev.ublk4j.linux;
}
