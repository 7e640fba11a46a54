package dev.ublk4j.embedded;

import dev.ublk4j.linux.Errno;
import dev.ublk4j.uapi.ControlCommand;

/**
 * Finds the device of a control command, checks who asks, and hands it to whoever carries it out.
 */
final class ControlDispatcher {
    private static final int GET_FEATURES = number(ControlCommand.UBLK_U_CMD_GET_FEATURES);
    private static final int DEL_DEV_ASYNC = number(ControlCommand.UBLK_U_CMD_DEL_DEV_ASYNC);
    private static final int UPDATE_SIZE = number(ControlCommand.UBLK_U_CMD_UPDATE_SIZE);
    private static final int QUIESCE_DEV = number(ControlCommand.UBLK_U_CMD_QUIESCE_DEV);
    private static final int TRY_STOP_DEV = number(ControlCommand.UBLK_U_CMD_TRY_STOP_DEV);
    private static final int REG_BUF = number(ControlCommand.UBLK_U_CMD_REG_BUF);
    private static final int UNREG_BUF = number(ControlCommand.UBLK_U_CMD_UNREG_BUF);

    private final DeviceTable table;
    private final AddDevice addDevice;
    private final EmbeddedOptions options;

    ControlDispatcher(DeviceTable table, EmbeddedOptions options) {
        this.table = table;
        this.options = options;
        this.addDevice = new AddDevice(table, options);
    }

    KernelRelease release() {
        return options.release();
    }

    static int number(int commandOp) {
        return commandOp & 0xff;
    }

    /** {@return whether a command never waits} */
    static boolean isImmediate(int commandOp) {
        int number = number(commandOp);
        return number == ControlCommand.UBLK_CMD_GET_QUEUE_AFFINITY
                || number == ControlCommand.UBLK_CMD_GET_DEV_INFO
                || number == ControlCommand.UBLK_CMD_GET_DEV_INFO2
                || number == GET_FEATURES;
    }

    /**
     * Carries out a command, and answers it.
     *
     * @param sender who waits for the answer
     */
    int dispatch(int commandOp, ControlHeader header, Credentials caller, Thread sender) {
        KernelRelease release = options.release();
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
        Device device = table.get(header.deviceId());
        if (device == null) {
            return Errno.ENODEV.negated();
        }
        int permission = Permission.check(table, device, number, header, caller);
        if (permission < 0) {
            table.put(device);
            return permission;
        }
        if (!known) {
            table.put(device);
            return release.takesEncoded() ? Errno.EOPNOTSUPP.negated() : Errno.ENODEV.negated();
        }
        if (number == ControlCommand.UBLK_CMD_DEL_DEV || number == DEL_DEV_ASYNC) {
            boolean wait = number == ControlCommand.UBLK_CMD_DEL_DEV;
            return DeviceLife.delete(device, wait, OwnQueues.of(device, sender));
        }
        try {
            return run(number, device, header, sender);
        } finally {
            table.put(device);
        }
    }

    private int run(int number, Device device, ControlHeader header, Thread sender) {
        return switch (number) {
            case ControlCommand.UBLK_CMD_START_DEV -> DeviceLife.start(device, header);
            case ControlCommand.UBLK_CMD_STOP_DEV ->
                    DeviceLife.stop(device, OwnQueues.of(device, sender));
            case ControlCommand.UBLK_CMD_GET_DEV_INFO, ControlCommand.UBLK_CMD_GET_DEV_INFO2 ->
                    InfoCommands.info(device, header);
            case ControlCommand.UBLK_CMD_GET_QUEUE_AFFINITY ->
                    InfoCommands.affinity(device, header, options.cpus());
            case ControlCommand.UBLK_CMD_GET_PARAMS -> ParameterCommands.get(device, header);
            case ControlCommand.UBLK_CMD_SET_PARAMS -> ParameterCommands.set(device, header);
            case ControlCommand.UBLK_CMD_START_USER_RECOVERY -> DeviceLife.startRecovery(device);
            case ControlCommand.UBLK_CMD_END_USER_RECOVERY ->
                    DeviceLife.endRecovery(device, header);
            default -> runNewer(number, device, header, sender);
        };
    }

    private int runNewer(int number, Device device, ControlHeader header, Thread sender) {
        if (number == UPDATE_SIZE) {
            return DeviceLife.resize(device, header);
        }
        if (number == QUIESCE_DEV) {
            return DeviceLife.quiesce(device);
        }
        if (number == TRY_STOP_DEV) {
            return DeviceLife.tryStop(device, OwnQueues.of(device, sender));
        }
        if (number == REG_BUF) {
            return BufferCommands.register(device, header);
        }
        if (number == UNREG_BUF) {
            return BufferCommands.unregister(device, header, OwnQueues.of(device, sender));
        }
        return Errno.EOPNOTSUPP.negated();
    }
}
