package dev.ublk4j.embedded.control;

import dev.ublk4j.embedded.device.DeviceTable;
import dev.ublk4j.embedded.device.UblkDevice;
import dev.ublk4j.embedded.features.DriverSettings;
import dev.ublk4j.embedded.features.ReleaseFeatures;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.uapi.ControlCommand;

/**
 * Finds the device of a control command, checks who asks, and hands it to whoever carries it out.
 */
public final class ControlDispatcher {
    private static final int GET_FEATURES = number(ControlCommand.UBLK_U_CMD_GET_FEATURES);
    private static final int DEL_DEV_ASYNC = number(ControlCommand.UBLK_U_CMD_DEL_DEV_ASYNC);
    private static final int UPDATE_SIZE = number(ControlCommand.UBLK_U_CMD_UPDATE_SIZE);
    private static final int QUIESCE_DEV = number(ControlCommand.UBLK_U_CMD_QUIESCE_DEV);
    private static final int TRY_STOP_DEV = number(ControlCommand.UBLK_U_CMD_TRY_STOP_DEV);
    private static final int REG_BUF = number(ControlCommand.UBLK_U_CMD_REG_BUF);
    private static final int UNREG_BUF = number(ControlCommand.UBLK_U_CMD_UNREG_BUF);

    private final DeviceTable table;
    private final AddDevice addDevice;
    private final DriverSettings settings;

    /** Makes a dispatcher of commands to the devices of a table. */
    public ControlDispatcher(DeviceTable table, DriverSettings settings) {
        this.table = table;
        this.settings = settings;
        this.addDevice = new AddDevice(table, settings);
    }

    private static int number(int commandOp) {
        return commandOp & 0xff;
    }

    /** {@return whether a command never waits} */
    public static boolean isImmediate(int commandOp) {
        int number = number(commandOp);
        return number == ControlCommand.UBLK_CMD_GET_QUEUE_AFFINITY
                || number == ControlCommand.UBLK_CMD_GET_DEV_INFO
                || number == ControlCommand.UBLK_CMD_GET_DEV_INFO2
                || number == GET_FEATURES;
    }

    /**
     * Carries out a command; any thread.
     *
     * @param sender who waits for the result
     * @return the result of the command, or a negative errno
     */
    public int dispatch(int commandOp, ControlHeader header, Credentials caller, Thread sender) {
        ReleaseFeatures release = settings.release();
        int type = commandOp >>> 8 & 0xff;
        if (!release.takesEncoded() && type != 0) {
            return Errno.ENODEV.negated();
        }
        if (type != 'u' && type != 0) {
            return Errno.EOPNOTSUPP.negated();
        }
        ControlCommand command = ControlCommand.of(commandOp);
        boolean known = command != null && release.knows(command);
        if (commandOp == ControlCommand.UBLK_U_CMD_GET_FEATURES && known) {
            return InfoCommands.features(header, release);
        }
        int number = number(commandOp);
        if (number == ControlCommand.UBLK_CMD_ADD_DEV) {
            return addDevice.run(header, caller);
        }
        UblkDevice device = table.get(header.deviceId());
        if (device == null) {
            return Errno.ENODEV.negated();
        }
        int permission = Permission.check(table, device, number, header, caller);
        if (permission < 0) {
            device.put();
            return permission;
        }
        if (!known) {
            device.put();
            return release.takesEncoded() ? Errno.EOPNOTSUPP.negated() : Errno.ENODEV.negated();
        }
        if (number == ControlCommand.UBLK_CMD_DEL_DEV || number == DEL_DEV_ASYNC) {
            boolean wait = number == ControlCommand.UBLK_CMD_DEL_DEV;
            return table.delete(device, wait, device.ownQueues(sender));
        }
        try {
            return run(number, device, header, sender);
        } finally {
            device.put();
        }
    }

    private int run(int number, UblkDevice device, ControlHeader header, Thread sender) {
        return switch (number) {
            case ControlCommand.UBLK_CMD_START_DEV -> device.life().start((int) header.data());
            case ControlCommand.UBLK_CMD_STOP_DEV -> device.life().stop(device.ownQueues(sender));
            case ControlCommand.UBLK_CMD_GET_DEV_INFO, ControlCommand.UBLK_CMD_GET_DEV_INFO2 ->
                    InfoCommands.info(device, header);
            case ControlCommand.UBLK_CMD_GET_QUEUE_AFFINITY ->
                    InfoCommands.affinity(device, header, settings.cpus());
            case ControlCommand.UBLK_CMD_GET_PARAMS -> ParameterCommands.get(device, header);
            case ControlCommand.UBLK_CMD_SET_PARAMS -> ParameterCommands.set(device, header);
            case ControlCommand.UBLK_CMD_START_USER_RECOVERY -> device.life().startRecovery();
            case ControlCommand.UBLK_CMD_END_USER_RECOVERY ->
                    device.life().endRecovery((int) header.data());
            default -> runNewer(number, device, header, sender);
        };
    }

    private int runNewer(int number, UblkDevice device, ControlHeader header, Thread sender) {
        if (number == UPDATE_SIZE) {
            return device.life().resize(header.data());
        }
        if (number == QUIESCE_DEV) {
            return device.life().quiesce();
        }
        if (number == TRY_STOP_DEV) {
            return device.life().tryStop(device.ownQueues(sender));
        }
        if (number == REG_BUF) {
            return BufferCommands.register(device, header);
        }
        if (number == UNREG_BUF) {
            return BufferCommands.unregister(device, header, device.ownQueues(sender));
        }
        return Errno.EOPNOTSUPP.negated();
    }
}
