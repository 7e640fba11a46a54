package dev.ublk4j.driver.control;

import dev.ublk4j.driver.ControlTimeoutException;
import dev.ublk4j.driver.Driver;
import dev.ublk4j.driver.MissingFeatureException;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.linux.internal.FullHeap;
import dev.ublk4j.uapi.ControlCommand;
import dev.ublk4j.uapi.DeviceInfo;
import dev.ublk4j.uapi.Feature;
import dev.ublk4j.uapi.wire.ControlCommandLayout;
import dev.ublk4j.uapi.wire.DeviceInfoLayout;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.ref.Reference;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/** Sends the commands of {@link Control} to a driver, as that driver and the device want them. */
final class ControlChannel {
    /*
     * Unprivileged devices:
     * ---------------------
     * A device that was added with UBLK_F_UNPRIVILEGED_DEV takes a command only with the path of its char
     * device before the payload: whoever may use that node may send it. One without it is refused with
     * EINVAL, before anything is done, whoever sends it. So a command is sent without a path first, unless
     * the device is known to want one, and sent again when it turns out to.
     */
    private static final int NO_DEVICE = -1;

    /** Room for the path of a char device, filled up with zeroes so that the payload is aligned. */
    private static final int PATH_BYTES = 32;

    private static final FullHeap FULL_HEAP = new FullHeap();

    private final Driver driver;
    private final Duration timeout;
    private volatile @Nullable Dialect dialect;

    /** Devices that are known to want their path. */
    private final Set<Integer> unprivileged = ConcurrentHashMap.newKeySet();

    ControlChannel(Driver driver, Duration timeout) {
        this.driver = driver;
        this.timeout = timeout;
    }

    /** {@return what the driver understands}; asked once */
    Dialect dialect() {
        Dialect known = dialect;
        if (known == null) {
            known = Dialect.of(driver, timeout);
            dialect = known;
        }
        return known;
    }

    /**
     * Refuses a command that the driver is known not to have.
     *
     * @throws MissingFeatureException when it has not
     */
    void require(ControlCommand command) {
        if (dialect().lacks(command)) {
            throw MissingFeatureException.of(command, driver.name());
        }
    }

    /** Notes whether a device that has just been added wants its path. */
    void note(DeviceInfo added) {
        if (Feature.UNPRIVILEGED_DEV.in(added.flags())) {
            unprivileged.add(added.deviceId());
        } else {
            unprivileged.remove(added.deviceId());
        }
    }

    /** {@return whether a device wants its path, as far as the caller may know} */
    private boolean isUnprivileged(int device, Duration patience) {
        Payload payload = new Payload(DeviceInfoLayout.SIZE);
        int answer = payload.sendOnce(ControlCommand.GET_DEV_INFO2, device, patience, true);
        // That of another user is told from one that is privileged by the errno, EPERM.
        return answer == Errno.EACCES.negated()
                || (answer >= 0
                        && Feature.UNPRIVILEGED_DEV.in(
                                DeviceInfoLayout.read(payload.memory).flags()));
    }

    /** Forgets what is known of a device that is gone. */
    void forget(int device) {
        unprivileged.remove(device);
    }

    /** A command and the buffer it points to. */
    final class Payload {
        /** Lives until nobody refers to it, which the outcome of the command does. */
        final MemorySegment memory;

        /** The same with room for a path before it. */
        private final MemorySegment whole;

        long argument;

        Payload(int bytes) {
            whole = Arena.ofAuto().allocate(PATH_BYTES + bytes, Long.BYTES);
            memory = whole.asSlice(PATH_BYTES);
        }

        int send(ControlCommand command, int device) {
            return send(command, device, timeout);
        }

        int send(ControlCommand command, int device, Duration patience) {
            require(command);
            boolean named = unprivileged.contains(device);
            int answer = sendOnce(command, device, patience, named);
            if (answer == Errno.EINVAL.negated()
                    && !named
                    && device != NO_DEVICE
                    && command != ControlCommand.ADD_DEV
                    && isUnprivileged(device, patience)) {
                unprivileged.add(device);
                answer = sendOnce(command, device, patience, true);
            }
            if (answer == Errno.EOPNOTSUPP.negated() && command == ControlCommand.DEL_DEV_ASYNC) {
                throw MissingFeatureException.of(command, driver.name());
            }
            if (answer < 0) {
                String object = device == NO_DEVICE ? "new device" : "device " + device;
                throw new LinuxException(command.cName(), object, answer);
            }
            // Nothing is allocated from the answer on: what the driver has done, the caller learns.
            return answer;
        }

        /** Keeps the payload, which the driver may still read and write, until the outcome. */
        private void hold(ControlTimeoutException late) {
            while (true) {
                try {
                    CompletionStage<Integer> _ =
                            late.outcome()
                                    .whenComplete((_, _) -> {
                                        assert memory.scope().isAlive();
                                    });
                    return;
                } catch (OutOfMemoryError e) {
                    // Without it, nobody would learn of the outcome.
                    FULL_HEAP.pause();
                }
            }
        }

        /** {@return the answer to the command, sent with or without the path of the device} */
        int sendOnce(ControlCommand command, int device, Duration patience, boolean named) {
            MemorySegment header = Arena.ofAuto().allocate(ControlCommandLayout.LAYOUT);
            ControlCommandLayout.devId(header, 0, device);
            ControlCommandLayout.queueId(header, 0, ControlCommandLayout.NO_QUEUE);
            ControlCommandLayout.data(header, 0, argument);
            MemorySegment sent = memory;
            if (named) {
                whole.asSlice(0, PATH_BYTES).fill((byte) 0);
                whole.setString(0, "/dev/ublkc" + device);
                ControlCommandLayout.devPathLen(header, 0, PATH_BYTES);
                sent = whole;
            }
            if (sent.byteSize() != 0) {
                ControlCommandLayout.addr(header, 0, sent.address());
                ControlCommandLayout.len(header, 0, (int) sent.byteSize());
            }
            int op = dialect().encoding().op(command.op());
            try {
                return driver.control(op, header, patience);
            } catch (ControlTimeoutException e) {
                hold(e);
                throw e;
            } finally {
                Reference.reachabilityFence(whole);
                Reference.reachabilityFence(header);
            }
        }
    }
}
