package dev.ublk4j.embedded;

import dev.ublk4j.embedded.features.ReleaseFeatures;

/**
 * A release of Linux that an embedded driver can be like: what its ublk driver has, and what it
 * does not fill in.
 *
 * <p>Only what a server sees is different. The order of declaration is the order of time.
 */
public enum KernelRelease {
    LINUX_6_1(6, 1),
    LINUX_6_4(6, 4),
    LINUX_6_6(6, 6),
    LINUX_6_12(6, 12),
    LINUX_6_18(6, 18),
    LINUX_7_0(7, 0),
    LINUX_7_1(7, 1),
    LINUX_7_2(7, 2),
    LINUX_7_3(7, 3);

    /** The newest: all that this driver has. */
    static final KernelRelease NEWEST = LINUX_7_3;

    private final int major;
    private final int minor;

    KernelRelease(int major, int minor) {
        this.major = major;
        this.minor = minor;
    }

    ReleaseFeatures features() {
        return new ReleaseFeatures(major, minor);
    }

    /** {@return the version, such as {@code Linux 6.12}} */
    @Override
    public String toString() {
        return "Linux " + major + "." + minor;
    }
}
