package dev.ublk4j.driver.control;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.ublk4j.driver.ControlTimeoutException;
import dev.ublk4j.driver.Driver;
import dev.ublk4j.driver.MissingFeatureException;
import dev.ublk4j.linux.Deadline;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.uapi.ControlCommand;
import dev.ublk4j.uapi.DeviceInfo;
import dev.ublk4j.uapi.Feature;
import dev.ublk4j.uapi.wire.DeviceInfoLayout;
import dev.ublk4j.uapi.wire.DeviceParams;
import dev.ublk4j.uapi.wire.ParamsLayout;
import dev.ublk4j.uapi.wire.ShmemBufRegLayout;
import java.lang.System.Logger.Level;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.BitSet;
import java.util.Set;
import java.util.concurrent.locks.LockSupport;

/**
 * Every control command of a {@link Driver} as a typed method.
 *
 * <p>A command that is refused throws a {@link LinuxException} that names it, the device and the
 * errno; one that does not complete in time throws {@link ControlTimeoutException}, which knows the
 * outcome once it comes. Any thread may call any method.
 */
public final class Control {
    /*
     * Outcomes:
     * ---------
     * A command that has been sent has an outcome, if not in time. The driver waits by design, for
     * requests, tags and openers, and a target that is slow makes it wait as long as it likes. So patience
     * is how long the caller waits, and never how long the command takes: one that did not complete in
     * time is neither done nor undone. The ControlTimeoutException carries its outcome, and
     *
     *   - whoever sent it acts on the outcome, whenever it comes: undoes what nobody wants any more, or
     *     finishes what depends on it. Here that is ADD_DEV, whose device nobody would own. What is sent
     *     for a device is the business of the server's Device, of its buffers that of DeviceBuffers.
     *   - no command is sent a second time while the first has no outcome; a caller that comes again
     *     waits for the first.
     *   - what the command names is the driver's until then: the payload, which is kept here, and the
     *     memory of REG_BUF and UNREG_BUF, whose owner gets the exception and waits for its outcome.
     *
     * START_DEV, STOP_DEV, DEL_DEV, UPDATE_SIZE, QUIESCE_DEV, END_USER_RECOVERY, REG_BUF and UNREG_BUF
     * change what the server must do next, and have somebody who acts. A late SET_PARAMS or
     * START_USER_RECOVERY needs nobody: the former is of a device that is about to be deleted, the
     * latter changes nothing that is not done again by the next one. The rest only tell something.
     */

    private static final System.Logger LOG = System.getLogger(Control.class.getName());

    /** How long a command may take that has nothing to wait for. */
    public static final Duration DEFAULT_TIMEOUT = Duration.ofSeconds(20);

    private static final long PAUSE_NANOS = 10_000_000;

    private final Driver driver;
    private final Duration timeout;
    private final ControlChannel channel;

    /** Speaks to a driver, allowing each command {@link #DEFAULT_TIMEOUT}. */
    public Control(Driver driver) {
        this(driver, DEFAULT_TIMEOUT);
    }

    /** Speaks to a driver, allowing each command the given time. */
    public Control(Driver driver, Duration timeout) {
        this.driver = driver;
        this.timeout = timeout;
        this.channel = new ControlChannel(driver, timeout);
    }

    /** {@return the driver that is spoken to} */
    public Driver driver() {
        return driver;
    }

    /**
     * {@return what the driver can do ({@code UBLK_U_CMD_GET_FEATURES})}
     *
     * @throws MissingFeatureException when it does not tell, which came with Linux 6.5
     */
    public Set<Feature> features() {
        return Feature.of(featureBits());
    }

    /**
     * {@return what the driver can do, as it says it, unknown bits included}
     *
     * @throws MissingFeatureException when it does not tell, which came with Linux 6.5
     */
    public long featureBits() {
        return channel.dialect()
                .features()
                .orElseThrow(() ->
                        MissingFeatureException.of(ControlCommand.GET_FEATURES, driver.name()));
    }

    /**
     * {@return whether the driver is known not to have a feature} Of some old features an old
     * driver does not tell: there, the flags that {@link #add} returns do.
     */
    public boolean lacks(Feature feature) {
        return channel.dialect().lacks(feature);
    }

    /**
     * Refuses a command that the driver is known not to have, before anything is done for it.
     *
     * @throws MissingFeatureException when it has not
     */
    public void require(ControlCommand command) {
        channel.require(command);
    }

    /**
     * Adds a device ({@code UBLK_U_CMD_ADD_DEV}).
     *
     * @param wanted what it should be like; device -1 lets the driver choose a number
     * @return what the driver made of it
     * @throws LinuxException {@code EEXIST} when the number is taken, {@code EINVAL} for numbers
     *     out of range, {@code EPERM} for a user who may not
     */
    public DeviceInfo add(DeviceInfo wanted) {
        ControlChannel.Payload payload = channel.new Payload(DeviceInfoLayout.SIZE);
        DeviceInfoLayout.write(payload.memory, 0, wanted);
        try {
            payload.send(ControlCommand.ADD_DEV, wanted.deviceId());
            DeviceInfo added = DeviceInfoLayout.read(payload.memory);
            channel.note(added);
            return added;
        } catch (ControlTimeoutException e) {
            throw e.until(e.outcome().thenApply(answer -> deleteUnowned(payload, answer)));
        }
    }

    /** Deletes a device that came when its adder had given up. */
    private int deleteUnowned(ControlChannel.Payload payload, int answer) {
        if (answer >= 0) {
            DeviceInfo added = DeviceInfoLayout.read(payload.memory);
            int device = added.deviceId();
            channel.note(added);
            LOG.log(Level.WARNING, () -> "device %d was added too late".formatted(device));
            // The driver takes no DEL_DEV_ASYNC for those; nobody has it open, so there is no wait.
            if (Feature.UNPRIVILEGED_DEV.in(added.flags())) {
                delete(device);
            } else {
                deleteAsync(device);
            }
        }
        return answer;
    }

    /**
     * Deletes a device, when its last opener is gone ({@code UBLK_U_CMD_DEL_DEV}).
     *
     * @throws LinuxException {@code ENODEV} when there is none
     */
    public void delete(int device) {
        send(ControlCommand.DEL_DEV, device, 0);
        channel.forget(device);
    }

    /** Deletes a device without waiting for its openers ({@code UBLK_U_CMD_DEL_DEV_ASYNC}). */
    public void deleteAsync(int device) {
        send(ControlCommand.DEL_DEV_ASYNC, device, 0);
        channel.forget(device);
    }

    /**
     * Makes the block device appear ({@code UBLK_U_CMD_START_DEV}); waits until every tag is
     * fetched.
     *
     * @param serverPid the process that serves it
     */
    public void start(int device, long serverPid) {
        send(ControlCommand.START_DEV, device, serverPid);
    }

    /**
     * Makes the block device disappear; its requests end with errors ({@code UBLK_U_CMD_STOP_DEV}).
     */
    public void stop(int device) {
        send(ControlCommand.STOP_DEV, device, 0);
    }

    /**
     * Makes the block device disappear unless somebody has it open ({@code
     * UBLK_U_CMD_TRY_STOP_DEV}).
     *
     * @throws LinuxException {@code EBUSY} when somebody has
     */
    public void tryStop(int device) {
        send(ControlCommand.TRY_STOP_DEV, device, 0);
    }

    /** Sets the parameters of a device that is not live ({@code UBLK_U_CMD_SET_PARAMS}). */
    public void setParams(int device, DeviceParams params) {
        ControlChannel.Payload payload = channel.new Payload(ParamsLayout.SIZE);
        params.write(payload.memory, 0);
        payload.send(ControlCommand.SET_PARAMS, device);
    }

    /** {@return the parameters of a device ({@code UBLK_U_CMD_GET_PARAMS})} */
    public DeviceParams params(int device) {
        ControlChannel.Payload payload = channel.new Payload(ParamsLayout.SIZE);
        ParamsLayout.len(payload.memory, 0, ParamsLayout.SIZE);
        payload.send(ControlCommand.GET_PARAMS, device);
        return DeviceParams.read(payload.memory, 0);
    }

    /** {@return a device as the driver knows it ({@code UBLK_U_CMD_GET_DEV_INFO})} */
    public DeviceInfo info(int device) {
        ControlChannel.Payload payload = channel.new Payload(DeviceInfoLayout.SIZE);
        payload.send(ControlCommand.GET_DEV_INFO, device);
        return DeviceInfoLayout.read(payload.memory);
    }

    /**
     * {@return the processors whose requests go to a queue ({@code UBLK_U_CMD_GET_QUEUE_AFFINITY})}
     */
    public BitSet affinity(int device, int queue) {
        ControlChannel.Payload payload = channel.new Payload(1024);
        payload.argument = queue;
        payload.send(ControlCommand.GET_QUEUE_AFFINITY, device);
        return BitSet.valueOf(payload.memory.toArray(JAVA_LONG));
    }

    /**
     * Makes a device whose server died ready for another ({@code UBLK_U_CMD_START_USER_RECOVERY}).
     */
    public void startRecovery(int device) {
        send(ControlCommand.START_USER_RECOVERY, device, 0);
    }

    /** Puts a device back to work under another server ({@code UBLK_U_CMD_END_USER_RECOVERY}). */
    public void endRecovery(int device, long serverPid) {
        send(ControlCommand.END_USER_RECOVERY, device, serverPid);
    }

    /** Resizes a live device ({@code UBLK_U_CMD_UPDATE_SIZE}). */
    public void resize(int device, long sectors) {
        send(ControlCommand.UPDATE_SIZE, device, sectors);
    }

    /**
     * Takes the server away from a live device, which keeps its requests ({@code
     * UBLK_U_CMD_QUIESCE_DEV}). Sends it again, as long as there is patience, to drivers that give
     * up where a command is on its way just then, or where a signal ends their wait.
     *
     * @param patience how long the driver may wait for each queue to have an idle tag, in
     *     milliseconds, of which there is at least one
     * @throws LinuxException {@code EBUSY} or {@code EINTR} when the patience ended
     */
    public void quiesce(int device, Duration patience) {
        Deadline deadline = Deadline.in(patience);
        while (true) {
            Duration left = deadline.left();
            try {
                ControlChannel.Payload payload = channel.new Payload(0);
                payload.argument = milliseconds(left);
                payload.send(ControlCommand.QUIESCE_DEV, device, timeout.plus(left));
                return;
            } catch (LinuxException e) {
                boolean passes = e.errno() == Errno.EBUSY || e.errno() == Errno.EINTR;
                if (!passes || left.isZero()) {
                    throw e;
                }
            }
            LockSupport.parkNanos(PAUSE_NANOS);
        }
    }

    /** To the driver no milliseconds are for ever, and of a number it reads 32 bits. */
    private static long milliseconds(Duration left) {
        return Math.clamp(left.toMillis(), 1, 0xffff_ffffL);
    }

    /**
     * Registers memory whose requests need no copy ({@code UBLK_U_CMD_REG_BUF}).
     *
     * @param memory page aligned, at most 4 GiB
     * @param readOnly whether it serves writes only, because the driver must not write to it
     * @return the buffer's index, 0 to 65535
     */
    public int registerBuffer(int device, MemorySegment memory, boolean readOnly) {
        ControlChannel.Payload payload = channel.new Payload(ShmemBufRegLayout.SIZE);
        ShmemBufRegLayout.write(
                payload.memory,
                0,
                memory.address(),
                memory.byteSize(),
                readOnly ? ShmemBufRegLayout.UBLK_SHMEM_BUF_READ_ONLY : 0);
        return payload.send(ControlCommand.REG_BUF, device);
    }

    /**
     * Takes registered memory back; no request uses it any more when this returns ({@code
     * UBLK_U_CMD_UNREG_BUF}).
     *
     * @throws LinuxException {@code ENOENT} when there is no such buffer
     */
    public void unregisterBuffer(int device, int index) {
        send(ControlCommand.UNREG_BUF, device, index);
    }

    private void send(ControlCommand command, int device, long argument) {
        ControlChannel.Payload payload = channel.new Payload(0);
        payload.argument = argument;
        payload.send(command, device);
    }
}
