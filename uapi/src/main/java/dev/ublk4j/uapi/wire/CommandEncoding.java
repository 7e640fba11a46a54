package dev.ublk4j.uapi.wire;

import dev.ublk4j.uapi.Feature;

/**
 * How the number of a command is written into {@code cmd_op} of a submission entry.
 *
 * <p>Linux 6.4 encodes commands like ioctls ({@link Feature#CMD_IOCTL_ENCODE}). Drivers before it
 * know the bare numbers only; later ones take those too, unless they were built without {@code
 * CONFIG_BLKDEV_UBLK_LEGACY_OPCODES}.
 */
public enum CommandEncoding {
    /** Direction, size, type and number, {@code UBLK_U_CMD_...} and {@code UBLK_U_IO_...}. */
    IOCTL,

    /** The number alone, {@code UBLK_CMD_...} and {@code UBLK_IO_...}. */
    BARE;

    /**
     * {@return the encoding of the io commands of a device}
     *
     * @param flags what ADD_DEV has answered: a driver that knows the feature always grants it
     */
    public static CommandEncoding ofDevice(long flags) {
        return Feature.CMD_IOCTL_ENCODE.in(flags) ? IOCTL : BARE;
    }

    /**
     * {@return an operation in this encoding}
     *
     * @param op as {@link #IOCTL} has it
     */
    public int op(int op) {
        return this == IOCTL ? op : op & 0xff;
    }
}
