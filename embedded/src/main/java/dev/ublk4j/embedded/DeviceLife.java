package dev.ublk4j.embedded;

import dev.ublk4j.embedded.block.QueueLimits;
import dev.ublk4j.embedded.freeze.FreezeOutcome;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.uapi.DeviceState;
import dev.ublk4j.uapi.Feature;
import dev.ublk4j.uapi.wire.ParamType;
import java.time.Duration;

/** The commands that start, stop, quiesce, recover, resize and delete a device. */
final class DeviceLife {
    /*
     * States:
     * -------
     *               START_DEV                    server gone, USER_RECOVERY
     *      DEAD ----------------------> LIVE -------------------------------> QUIESCED
     *       ^  <-----------------------   ^ <---- END_USER_RECOVERY ---------    |
     *       |    STOP_DEV, server gone    |       server gone, .._FAIL_IO        |
     *       |                             +-------------------------> FAIL_IO    |
     *       +----------------------- STOP_DEV ------------------------+----------+
     *
     * QUIESCE_DEV does not change the state: it has the server's idle commands come back, upon which
     * the server closes the char device, and that does.
     */
    private static final Duration FOREVER = Duration.ofNanos(Long.MAX_VALUE);

    private DeviceLife() {}

    /** {@code START_DEV}: waits until all tags have been fetched. */
    static int start(Device device, ControlHeader header) {
        int pid = (int) header.data();
        if (pid <= 0 || !device.parameters().has(ParamType.UBLK_PARAM_TYPE_BASIC)) {
            return Errno.EINVAL.negated();
        }
        device.lockWhenReady();
        try {
            if (pid != device.openerPid()) {
                return Errno.EINVAL.negated();
            }
            if (device.state() == DeviceState.UBLK_S_DEV_LIVE || device.isUsed()) {
                return Errno.EEXIST.negated();
            }
            if (device.isStopping()) {
                return Errno.EBUSY.negated();
            }
            QueueLimits limits = device.parameters().limits();
            BlockDisk disk = new BlockDisk(device, device.parameters(), limits);
            device.table().get(device);
            device.serverPid(pid);
            device.disk(disk);
            device.state(DeviceState.UBLK_S_DEV_LIVE);
            device.used();
            return 0;
        } catch (LinuxException e) {
            return -e.number();
        } finally {
            device.mutex().unlock();
        }
    }

    /**
     * {@code STOP_DEV}: waits until every request has been answered.
     *
     * @param own the queues that the sender serves; with requests of theirs under way the answer is
     *     {@link OwnQueues#DEADLOCK} and nothing changes
     */
    static int stop(Device device, OwnQueues own) {
        CharFile file;
        if (!own.lock(device.mutex())) {
            return OwnQueues.DEADLOCK;
        }
        try {
            if (!stopLocked(device, own)) {
                return OwnQueues.DEADLOCK;
            }
            file = device.holdFile();
            if (file != null) {
                device.stopping();
            }
        } finally {
            device.mutex().unlock();
        }
        if (file != null) {
            // Held, so that these are the commands of the server that was stopped and not the next.
            file.cancelCommands();
            file.put();
        }
        return 0;
    }

    /**
     * Takes the disk away, holding the device's mutex.
     *
     * @return false when requests of the sender's own queues are under way: nothing has changed
     */
    static boolean stopLocked(Device device, OwnQueues own) {
        BlockDisk disk = device.disk();
        if (device.state() == DeviceState.UBLK_S_DEV_DEAD || disk == null) {
            return true;
        }
        if (!own.isNone() && !disk.shut(own)) {
            return false;
        }
        if (device.description().holdsRequests()) {
            abortHeld(device, disk);
        }
        disk.remove();
        if (!own.isNone()) {
            disk.gate().thaw();
        }
        device.state(DeviceState.UBLK_S_DEV_DEAD);
        device.serverPid(-1);
        device.disk(null);
        disk.detached();
        return true;
    }

    /**
     * Fails the requests that wait for a next server, once those that a server has are answered.
     */
    private static void abortHeld(Device device, BlockDisk disk) {
        boolean live = device.state() == DeviceState.UBLK_S_DEV_LIVE;
        boolean frozen = live && disk.gate().freeze(FOREVER) == FreezeOutcome.FROZEN;
        for (int id = 0; id < device.queues(); id++) {
            device.queue(id).abortAll();
        }
        if (frozen) {
            disk.gate().thaw();
        }
        disk.drainQueues();
    }

    /** {@code TRY_STOP_DEV}: stops a device whose disk nobody has open. */
    static int tryStop(Device device, OwnQueues own) {
        BlockDisk disk = device.disk();
        if (disk == null) {
            return Errno.ENODEV.negated();
        }
        if (own.haveRequests()) {
            return OwnQueues.DEADLOCK;
        }
        return disk.lockIfUnopened() ? stop(device, own) : Errno.EBUSY.negated();
    }

    /**
     * {@code DEL_DEV} and {@code DEL_DEV_ASYNC}.
     *
     * @param device with a reference, which is taken back
     * @param wait whether to wait until nobody uses the device
     * @param own the queues that the sender serves: it uses the device itself
     */
    static int delete(Device device, boolean wait, OwnQueues own) {
        DeviceTable table = device.table();
        int id = device.id();
        if ((wait && !own.isNone()) || !own.lock(table.control())) {
            table.put(device);
            return OwnQueues.DEADLOCK;
        }
        try {
            if (!device.deleted) {
                int answer = stop(device, own);
                if (answer < 0) {
                    table.put(device);
                    return answer;
                }
                device.deleted = true;
                table.put(device);
                if (device.has(Feature.UBLK_F_UNPRIVILEGED_DEV)) {
                    table.countUnprivileged(-1);
                }
            }
            table.put(device);
        } finally {
            table.control().unlock();
        }
        if (wait) {
            table.awaitFree(id);
        }
        return 0;
    }

    /** {@code START_USER_RECOVERY}. */
    static int startRecovery(Device device) {
        device.mutex().lock();
        try {
            if (!device.description().isRecoverable()) {
                return Errno.EINVAL.negated();
            }
            return device.isOpen() || !isWithoutServer(device) ? Errno.EBUSY.negated() : 0;
        } finally {
            device.mutex().unlock();
        }
    }

    /** {@code END_USER_RECOVERY}: waits until all tags have been fetched. */
    static int endRecovery(Device device, ControlHeader header) {
        device.lockWhenReady();
        try {
            int pid = (int) header.data();
            if (pid != device.openerPid() || !device.description().isRecoverable()) {
                return Errno.EINVAL.negated();
            }
            BlockDisk disk = device.disk();
            if (!isWithoutServer(device) || disk == null) {
                return Errno.EBUSY.negated();
            }
            device.serverPid(pid);
            device.state(DeviceState.UBLK_S_DEV_LIVE);
            disk.drainQueues();
            return 0;
        } finally {
            device.mutex().unlock();
        }
    }

    private static boolean isWithoutServer(Device device) {
        return device.state() == DeviceState.UBLK_S_DEV_QUIESCED
                || device.state() == DeviceState.UBLK_S_DEV_FAIL_IO;
    }

    /**
     * {@code QUIESCE_DEV}. The kernel first waits until each queue has a tag without a request that
     * is put aside; requests are put aside here only once this command has let go of the mutex.
     */
    static int quiesce(Device device) {
        if (!device.has(Feature.UBLK_F_QUIESCE)) {
            return Errno.EOPNOTSUPP.negated();
        }
        device.mutex().lock();
        try {
            if (device.disk() == null || device.state() == DeviceState.UBLK_S_DEV_DEAD) {
                return Errno.ENODEV.negated();
            }
            if (device.state() == DeviceState.UBLK_S_DEV_LIVE) {
                device.startCanceling();
            }
        } finally {
            device.mutex().unlock();
        }
        CharFile file = device.holdFile();
        if (file != null) {
            file.cancelCommands();
            file.put();
        }
        return 0;
    }

    /** {@code UPDATE_SIZE}. */
    static int resize(Device device, ControlHeader header) {
        device.mutex().lock();
        try {
            BlockDisk disk = device.disk();
            if (disk == null) {
                return Errno.ENODEV.negated();
            }
            device.parameters().devSectors(header.data());
            disk.resize(header.data());
            return 0;
        } finally {
            device.mutex().unlock();
        }
    }
}
