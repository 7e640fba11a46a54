package dev.ublk4j.uapi;

import dev.ublk4j.uapi.wire.DeviceInfoLayout;
import java.util.EnumSet;
import java.util.Set;

/** What a driver can do and a device asks for: the bits of {@link DeviceInfoLayout#flags}. */
public enum Feature {
    SUPPORT_ZERO_COPY(
            Feature.UBLK_F_SUPPORT_ZERO_COPY,
            "6.15",
            "the pages of a request can be registered as a fixed buffer of a ring"),
    URING_CMD_COMP_IN_TASK(
            Feature.UBLK_F_URING_CMD_COMP_IN_TASK,
            "6.0",
            "deliver requests through task work, for measurements"),
    NEED_GET_DATA(
            Feature.UBLK_F_NEED_GET_DATA,
            "6.0",
            "the server names the buffer of a write when the write arrives"),
    USER_RECOVERY(
            Feature.UBLK_F_USER_RECOVERY,
            "6.1",
            "the device outlives its server; requests in flight fail"),
    USER_RECOVERY_REISSUE(
            Feature.UBLK_F_USER_RECOVERY_REISSUE,
            "6.1",
            "the device outlives its server; requests in flight are reissued"),
    UNPRIVILEGED_DEV(Feature.UBLK_F_UNPRIVILEGED_DEV, "6.3", "unprivileged users can own devices"),
    CMD_IOCTL_ENCODE(Feature.UBLK_F_CMD_IOCTL_ENCODE, "6.4", "commands are encoded like ioctls"),
    USER_COPY(
            Feature.UBLK_F_USER_COPY,
            "6.5",
            "the server copies data with pread and pwrite on the character device"),
    ZONED(Feature.UBLK_F_ZONED, "6.6", "zoned storage"),
    USER_RECOVERY_FAIL_IO(
            Feature.UBLK_F_USER_RECOVERY_FAIL_IO,
            "6.13",
            "the device outlives its server; I/O fails until it is recovered"),
    UPDATE_SIZE(Feature.UBLK_F_UPDATE_SIZE, "6.16", "a live device can be resized"),
    AUTO_BUF_REG(
            Feature.UBLK_F_AUTO_BUF_REG,
            "6.16",
            "the pages of a request are registered by the fetch, unregistered by the commit"),
    QUIESCE(Feature.UBLK_F_QUIESCE, "6.16", "a live device can be quiesced, to replace its server"),
    PER_IO_DAEMON(Feature.UBLK_F_PER_IO_DAEMON, "6.16", "each tag can be served by its own thread"),
    BUF_REG_OFF_DAEMON(
            Feature.UBLK_F_BUF_REG_OFF_DAEMON,
            "6.17",
            "buffers of requests can be registered from any thread"),
    BATCH_IO(Feature.UBLK_F_BATCH_IO, "7.0", "many tags in one command"),
    INTEGRITY(Feature.UBLK_F_INTEGRITY, "7.0", "requests with integrity metadata"),
    SAFE_STOP_DEV(
            Feature.UBLK_F_SAFE_STOP_DEV,
            "7.0",
            "a device can be stopped only if nobody has it open"),
    NO_AUTO_PART_SCAN(
            Feature.UBLK_F_NO_AUTO_PART_SCAN,
            "7.0",
            "partitions are not scanned when the device starts"),
    SHMEM_ZC(Feature.UBLK_F_SHMEM_ZC, "7.1", "requests in registered shared memory are not copied"),
    IO_DESC_SIZE(Feature.UBLK_F_IO_DESC_SIZE, "7.3", "the server chooses the size of descriptors");

    public static final long UBLK_F_SUPPORT_ZERO_COPY = 1L << 0;
    public static final long UBLK_F_URING_CMD_COMP_IN_TASK = 1L << 1;
    public static final long UBLK_F_NEED_GET_DATA = 1L << 2;
    public static final long UBLK_F_USER_RECOVERY = 1L << 3;
    public static final long UBLK_F_USER_RECOVERY_REISSUE = 1L << 4;
    public static final long UBLK_F_UNPRIVILEGED_DEV = 1L << 5;
    public static final long UBLK_F_CMD_IOCTL_ENCODE = 1L << 6;
    public static final long UBLK_F_USER_COPY = 1L << 7;
    public static final long UBLK_F_ZONED = 1L << 8;
    public static final long UBLK_F_USER_RECOVERY_FAIL_IO = 1L << 9;
    public static final long UBLK_F_UPDATE_SIZE = 1L << 10;
    public static final long UBLK_F_AUTO_BUF_REG = 1L << 11;
    public static final long UBLK_F_QUIESCE = 1L << 12;
    public static final long UBLK_F_PER_IO_DAEMON = 1L << 13;
    public static final long UBLK_F_BUF_REG_OFF_DAEMON = 1L << 14;
    public static final long UBLK_F_BATCH_IO = 1L << 15;
    public static final long UBLK_F_INTEGRITY = 1L << 16;
    public static final long UBLK_F_SAFE_STOP_DEV = 1L << 17;
    public static final long UBLK_F_NO_AUTO_PART_SCAN = 1L << 18;
    public static final long UBLK_F_SHMEM_ZC = 1L << 19;
    public static final long UBLK_F_IO_DESC_SIZE = 1L << 20;

    private final long mask;
    private final String since;
    private final String description;

    Feature(long mask, String since, String description) {
        this.mask = mask;
        this.since = since;
        this.description = description;
    }

    /** {@return the bit, as a value} */
    public long mask() {
        return mask;
    }

    /** {@return the bit, as a number from 0} */
    public int bit() {
        return Long.numberOfTrailingZeros(mask);
    }

    /**
     * {@return the first version of Linux whose driver has it, such as {@code 6.16}}
     *
     * <p>For people: what a driver has is what it says ({@link ControlCommand#GET_FEATURES}, the
     * flags that ADD_DEV returns), since distributions take features back to older kernels.
     */
    public String since() {
        return since;
    }

    /** {@return what it is, in one line} */
    public String description() {
        return description;
    }

    /** {@return the name in the header} */
    public String cName() {
        return "UBLK_F_" + name();
    }

    /** {@return whether the flags have this feature} */
    public boolean in(long flags) {
        return (flags & mask) != 0;
    }

    /** {@return the features of the flags; bits that no feature has are left out} */
    public static Set<Feature> of(long flags) {
        EnumSet<Feature> features = EnumSet.noneOf(Feature.class);
        for (Feature feature : values()) {
            if (feature.in(flags)) {
                features.add(feature);
            }
        }
        return features;
    }

    /** {@return the flags of the features} */
    public static long flags(Set<Feature> features) {
        return features.stream().mapToLong(Feature::mask).reduce(0, (a, b) -> a | b);
    }
}
