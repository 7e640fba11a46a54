package dev.ublk4j.uapi;

import dev.ublk4j.uapi.wire.DeviceInfoLayout;
import dev.ublk4j.uapi.wire.ParamsLayout;
import dev.ublk4j.uapi.wire.ShmemBufRegLayout;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The commands to the control device, each a {@code struct ublksrv_ctrl_cmd} in a submission entry
 * of 128 bytes.
 *
 * <p>A driver tells commands apart by their number alone, whatever direction and size the encoding
 * claims. Commands up to 0x12 may also be sent as the bare number, where the driver was built to
 * take them so.
 */
public enum ControlCommand {
    /** Answers the processors of a queue in the payload. */
    GET_QUEUE_AFFINITY(ControlCommand.UBLK_U_CMD_GET_QUEUE_AFFINITY, true, null),
    /** Answers the {@link DeviceInfoLayout} in the payload. */
    GET_DEV_INFO(ControlCommand.UBLK_U_CMD_GET_DEV_INFO, true, null),
    /**
     * Makes a device from the {@link DeviceInfoLayout} in the payload, which returns what was
     * granted.
     */
    ADD_DEV(ControlCommand.UBLK_U_CMD_ADD_DEV, true, null),
    /** Removes a device and waits until it is gone. */
    DEL_DEV(ControlCommand.UBLK_U_CMD_DEL_DEV, true, null),
    /** Shows the block device; the inline argument is the server's process. */
    START_DEV(ControlCommand.UBLK_U_CMD_START_DEV, true, null),
    /** Takes the block device away. */
    STOP_DEV(ControlCommand.UBLK_U_CMD_STOP_DEV, true, null),
    /** Sets the {@link ParamsLayout} in the payload, before the start. */
    SET_PARAMS(ControlCommand.UBLK_U_CMD_SET_PARAMS, true, null),
    /** Answers the {@link ParamsLayout} in the payload. */
    GET_PARAMS(ControlCommand.UBLK_U_CMD_GET_PARAMS, true, null),
    /** Makes a device without a server ready for a new one. */
    START_USER_RECOVERY(ControlCommand.UBLK_U_CMD_START_USER_RECOVERY, true, Feature.USER_RECOVERY),
    /** Ends the recovery; the inline argument is the new server's process. */
    END_USER_RECOVERY(ControlCommand.UBLK_U_CMD_END_USER_RECOVERY, true, Feature.USER_RECOVERY),
    /** As {@link #GET_DEV_INFO}, with the path of the character device in front of the payload. */
    GET_DEV_INFO2(ControlCommand.UBLK_U_CMD_GET_DEV_INFO2, true, null),
    /** Answers the driver's features, 8 bytes, in the payload; about no device. */
    GET_FEATURES(ControlCommand.UBLK_U_CMD_GET_FEATURES, false, null),
    /** Removes a device and does not wait. */
    DEL_DEV_ASYNC(ControlCommand.UBLK_U_CMD_DEL_DEV_ASYNC, false, null),
    /** Resizes the device; the inline argument is the capacity in sectors. */
    UPDATE_SIZE(ControlCommand.UBLK_U_CMD_UPDATE_SIZE, false, Feature.UPDATE_SIZE),
    /** Takes the server away from a live device; the inline argument is the time to wait, in ms. */
    QUIESCE_DEV(ControlCommand.UBLK_U_CMD_QUIESCE_DEV, false, Feature.QUIESCE),
    /** As {@link #STOP_DEV}, refused while someone has the block device open. */
    TRY_STOP_DEV(ControlCommand.UBLK_U_CMD_TRY_STOP_DEV, false, Feature.SAFE_STOP_DEV),
    /**
     * Registers the memory of a {@link ShmemBufRegLayout} in the payload; returns the index of the
     * buffer.
     */
    REG_BUF(ControlCommand.UBLK_U_CMD_REG_BUF, false, Feature.SHMEM_ZC),
    /** Takes a buffer back; the inline argument is its index. */
    UNREG_BUF(ControlCommand.UBLK_U_CMD_UNREG_BUF, false, Feature.SHMEM_ZC);

    public static final int UBLK_CMD_GET_QUEUE_AFFINITY = 0x01;
    public static final int UBLK_CMD_GET_DEV_INFO = 0x02;
    public static final int UBLK_CMD_ADD_DEV = 0x04;
    public static final int UBLK_CMD_DEL_DEV = 0x05;
    public static final int UBLK_CMD_START_DEV = 0x06;
    public static final int UBLK_CMD_STOP_DEV = 0x07;
    public static final int UBLK_CMD_SET_PARAMS = 0x08;
    public static final int UBLK_CMD_GET_PARAMS = 0x09;
    public static final int UBLK_CMD_START_USER_RECOVERY = 0x10;
    public static final int UBLK_CMD_END_USER_RECOVERY = 0x11;
    public static final int UBLK_CMD_GET_DEV_INFO2 = 0x12;

    /** Of {@code struct ublksrv_ctrl_cmd}. */
    private static final int COMMAND_BYTES = 32;

    /** Direction, size and type of a command that only returns data: {@code _IOR('u', ..)}. */
    private static final int READ = 2 << 30 | COMMAND_BYTES << 16 | 'u' << 8;

    /** Direction, size and type of any other command: {@code _IOWR('u', ..)}. */
    private static final int READ_WRITE = 3 << 30 | COMMAND_BYTES << 16 | 'u' << 8;

    public static final int UBLK_U_CMD_GET_QUEUE_AFFINITY = READ | UBLK_CMD_GET_QUEUE_AFFINITY;
    public static final int UBLK_U_CMD_GET_DEV_INFO = READ | UBLK_CMD_GET_DEV_INFO;
    public static final int UBLK_U_CMD_ADD_DEV = READ_WRITE | UBLK_CMD_ADD_DEV;
    public static final int UBLK_U_CMD_DEL_DEV = READ_WRITE | UBLK_CMD_DEL_DEV;
    public static final int UBLK_U_CMD_START_DEV = READ_WRITE | UBLK_CMD_START_DEV;
    public static final int UBLK_U_CMD_STOP_DEV = READ_WRITE | UBLK_CMD_STOP_DEV;
    public static final int UBLK_U_CMD_SET_PARAMS = READ_WRITE | UBLK_CMD_SET_PARAMS;
    public static final int UBLK_U_CMD_GET_PARAMS = READ | UBLK_CMD_GET_PARAMS;
    public static final int UBLK_U_CMD_START_USER_RECOVERY =
            READ_WRITE | UBLK_CMD_START_USER_RECOVERY;
    public static final int UBLK_U_CMD_END_USER_RECOVERY = READ_WRITE | UBLK_CMD_END_USER_RECOVERY;
    public static final int UBLK_U_CMD_GET_DEV_INFO2 = READ | UBLK_CMD_GET_DEV_INFO2;
    public static final int UBLK_U_CMD_GET_FEATURES = READ | 0x13;
    public static final int UBLK_U_CMD_DEL_DEV_ASYNC = READ | 0x14;
    public static final int UBLK_U_CMD_UPDATE_SIZE = READ_WRITE | 0x15;
    public static final int UBLK_U_CMD_QUIESCE_DEV = READ_WRITE | 0x16;
    public static final int UBLK_U_CMD_TRY_STOP_DEV = READ_WRITE | 0x17;
    public static final int UBLK_U_CMD_REG_BUF = READ_WRITE | 0x18;
    public static final int UBLK_U_CMD_UNREG_BUF = READ_WRITE | 0x19;

    /** Bytes of the payload of {@link #GET_FEATURES}. */
    public static final int UBLK_FEATURES_LEN = 8;

    private static final @Nullable ControlCommand[] BY_NUMBER = new @Nullable ControlCommand[0x20];

    static {
        for (ControlCommand command : values()) {
            BY_NUMBER[command.number()] = command;
        }
    }

    private final int op;
    private final boolean legacy;
    private final @Nullable Feature feature;

    ControlCommand(int op, boolean legacy, @Nullable Feature feature) {
        this.op = op;
        this.legacy = legacy;
        this.feature = feature;
    }

    /** {@return the encoded operation, for {@code cmd_op} of a submission entry} */
    public int op() {
        return op;
    }

    /** {@return the number within the encoding} */
    public int number() {
        return op & 0xff;
    }

    /** {@return whether the header also has the bare {@link #number()} as an operation} */
    public boolean hasLegacyOp() {
        return legacy;
    }

    /** {@return the feature the command came with; empty where it needs none} */
    public Optional<Feature> feature() {
        return Optional.ofNullable(feature);
    }

    /** {@return the first version of Linux whose driver has the command, for people} */
    public String since() {
        if (feature != null) {
            return feature.since();
        }
        return switch (this) {
            case GET_DEV_INFO2 -> Feature.UNPRIVILEGED_DEV.since();
            case GET_FEATURES -> "6.5";
            case DEL_DEV_ASYNC -> "6.7";
            default -> "6.0";
        };
    }

    /** {@return whether the command is about one device} */
    public boolean isAboutDevice() {
        return this != GET_FEATURES;
    }

    /** {@return the name in the header} */
    public String cName() {
        return "UBLK_U_CMD_" + name();
    }

    /**
     * {@return the command of an operation, encoded or bare; null when it is none}
     *
     * <p>As the driver does it, only type and number count.
     */
    public static @Nullable ControlCommand of(int op) {
        int type = op >>> 8 & 0xff;
        int number = op & 0xff;
        return (type == 'u' || type == 0) && number < BY_NUMBER.length ? BY_NUMBER[number] : null;
    }
}
