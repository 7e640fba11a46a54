package dev.ublk4j.server;

import dev.ublk4j.uapi.Feature;

/** What becomes of a device and its requests when its server dies. */
public enum Recovery {
    /** The device stops, and its requests fail. */
    NONE(0),

    /**
     * The device waits for the next server. Requests that the dead one had fail, later ones wait.
     */
    WAIT(Feature.UBLK_F_USER_RECOVERY),

    /**
     * The device waits for the next server, and gives it the requests that the dead one had too.
     * Fit for targets on which a request may be done twice.
     */
    REISSUE(Feature.UBLK_F_USER_RECOVERY | Feature.UBLK_F_USER_RECOVERY_REISSUE),

    /** The device stays, and its requests fail until there is another server. */
    FAIL(Feature.UBLK_F_USER_RECOVERY | Feature.UBLK_F_USER_RECOVERY_FAIL_IO);

    /** What the three kinds of recovery are made of. */
    static final long ALL =
            Feature.UBLK_F_USER_RECOVERY
                    | Feature.UBLK_F_USER_RECOVERY_REISSUE
                    | Feature.UBLK_F_USER_RECOVERY_FAIL_IO;

    private final long features;

    Recovery(long features) {
        this.features = features;
    }

    /** {@return the features that a device of this kind is added with} */
    public long features() {
        return features;
    }

    /** {@return the kind that a device was added with} */
    public static Recovery of(long deviceFeatures) {
        for (Recovery recovery : values()) {
            if (recovery.features == (deviceFeatures & ALL)) {
                return recovery;
            }
        }
        throw new IllegalArgumentException(
                "no kind of recovery: 0x" + Long.toHexString(deviceFeatures & ALL));
    }
}
