package dev.ublk4j.uapi;

/** The states of a device, in {@link DeviceInfo#state}. */
public final class DeviceState {
    /** There is no block device. */
    public static final int UBLK_S_DEV_DEAD = 0;

    /** The block device is served. */
    public static final int UBLK_S_DEV_LIVE = 1;

    /** The block device is there without a server; I/O waits. */
    public static final int UBLK_S_DEV_QUIESCED = 2;

    /** The block device is there without a server; I/O fails. */
    public static final int UBLK_S_DEV_FAIL_IO = 3;

    private DeviceState() {}

    /** {@return the name of a state in lower case, such as {@code dead}, or its number} */
    public static String name(int value) {
        return switch (value) {
            case UBLK_S_DEV_DEAD -> "dead";
            case UBLK_S_DEV_LIVE -> "live";
            case UBLK_S_DEV_QUIESCED -> "quiesced";
            case UBLK_S_DEV_FAIL_IO -> "fail_io";
            default -> Integer.toString(value);
        };
    }
}
