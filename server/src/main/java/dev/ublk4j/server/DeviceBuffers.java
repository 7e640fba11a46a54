package dev.ublk4j.server;

import dev.ublk4j.driver.ControlTimeoutException;
import dev.ublk4j.driver.control.Control;
import dev.ublk4j.linux.Deadline;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.LinuxException;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.List;
import java.util.function.IntUnaryOperator;

/** Registers shared buffers with the driver, and makes them known to a device's queues. */
final class DeviceBuffers {
    /*
     * Late answers:
     * -------------
     * Both commands wait for the device's requests, for as long as a target takes.
     *
     *   REG_BUF    its owner has given up, so it is unregistered again. Until then requests name it,
     *              so it is entered as any other, and served. Its registration goes on being announced
     *              meanwhile: a request that names its index waits for the answer.
     *   UNREG_BUF  its entry is removed, and the queues let go of it, as if it had been in time.
     *
     * The memory is the owner's again with the outcome of the exception that he got. All of it is one
     * turn: nothing else is registered or unregistered before.
     */
    private static final String REG_BUF = "UBLK_U_CMD_REG_BUF";
    private static final String UNREG_BUF = "UBLK_U_CMD_UNREG_BUF";

    /** How long a target may hold up a queue that somebody waits for. */
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    /** How often a queue is asked whether it has let go of a buffer. */
    private static final Duration PAUSE = Duration.ofNanos(20_000);

    private final Device device;
    private final Control control;
    private final BufferTable table;
    private final List<QueueThread> threads;
    private final boolean mayBePinned;

    /**
     * Taken while a buffer comes or goes, so that the driver does not give an index out again
     * before its entry is gone (see {@link BufferTable}), and while the server is taken away from
     * the device: without a server both commands would hang, and the device with them.
     */
    private final Turn registration;

    /**
     * Makes it for a device that has no shared buffers.
     *
     * @param mayBePinned whether queues may register buffers with their rings
     */
    DeviceBuffers(
            Device device,
            Control control,
            BufferTable table,
            List<QueueThread> threads,
            boolean mayBePinned) {
        this.device = device;
        this.control = control;
        this.table = table;
        this.threads = threads;
        this.mayBePinned = mayBePinned;
        this.registration = new Turn(device.id());
    }

    SharedBuffer share(MemorySegment memory, boolean readOnly) {
        requireOtherThread();
        return registration.run(
                REG_BUF,
                () -> {
                    device.requireServed(REG_BUF);
                    return register(memory, readOnly);
                },
                answer -> retract(answer, memory));
    }

    private SharedBuffer register(MemorySegment memory, boolean readOnly) {
        // Nothing is allocated once the driver has it: a buffer that its owner is not told of would
        // stay for good.
        SharedBuffer buffer = new SharedBuffer(device, memory, mayBePinned);
        table.beginRegistration();
        boolean late = false;
        try {
            enter(buffer, control.registerBuffer(device.id(), memory, readOnly));
            return buffer;
        } catch (ControlTimeoutException e) {
            late = true;
            throw e;
        } finally {
            if (!late) {
                endRegistration();
            }
        }
    }

    private void enter(SharedBuffer buffer, int index) {
        buffer.setIndex(index);
        table.enter(buffer);
    }

    private void endRegistration() {
        table.endRegistration();
        // After the end, so that a request set aside finds its buffer, or finds that there is none.
        ringQueues();
    }

    /** Without an iterator, which would have to be allocated. */
    private void ringQueues() {
        for (int queue = 0; queue < threads.size(); queue++) {
            threads.get(queue).ring();
        }
    }

    /**
     * Ends a registration that was late.
     *
     * @return negative, or the index where the driver keeps the buffer for another server
     */
    private int retract(int answer, MemorySegment memory) {
        SharedBuffer buffer;
        try {
            if (answer < 0) {
                return answer;
            }
            buffer = new SharedBuffer(device, memory, mayBePinned);
            enter(buffer, answer);
        } finally {
            endRegistration();
        }
        try {
            remove(buffer);
        } catch (ControlTimeoutException e) {
            removed(buffer, Turn.outcomeOf(e));
        }
        awaitQueues(buffer);
        return buffer.isRegistered() ? answer : Errno.ETIMEDOUT.negated();
    }

    /** Enters a buffer that a former server registered; before the queues start. */
    void adopt(int index, MemorySegment memory) {
        enter(new SharedBuffer(device, memory, mayBePinned), index);
    }

    /** Refuses a thread that would wait for its own requests. */
    void requireOtherThread() {
        QueueThread.requireOther(threads);
    }

    /**
     * Takes a buffer back; its memory may be unmapped when this has returned. What has been done of
     * that before is not done again.
     *
     * @throws ControlTimeoutException when that takes longer; its memory may be unmapped with the
     *     outcome, unless that is an errno
     */
    void unshare(SharedBuffer buffer) {
        if (buffer.isInTable()) {
            registration.run(
                    UNREG_BUF,
                    () -> {
                        if (buffer.isInTable()) {
                            remove(buffer);
                        }
                        return 0;
                    },
                    answer -> {
                        removed(buffer, answer);
                        awaitQueues(buffer);
                        return 0;
                    });
        }
        awaitQueues(buffer);
    }

    private void remove(SharedBuffer buffer) {
        if (!device.isDeleted() && device.isWithoutServer()) {
            // The driver keeps it for the next server to inherit.
            buffer.removed(table.remove(buffer.index()), true);
            return;
        }
        if (!device.isDeleted() && !device.isGone()) {
            unregister(buffer.index());
        }
        removed(buffer, 0);
    }

    /**
     * Goes on when UNREG_BUF has been answered.
     *
     * @throws LinuxException when the driver keeps the buffer, which stays as it is then
     */
    private void removed(SharedBuffer buffer, int answer) {
        if (answer < 0 && !isGone(answer)) {
            throw new LinuxException(UNREG_BUF, "device " + device.id(), answer);
        }
        buffer.removed(table.remove(buffer.index()), false);
    }

    private void awaitQueues(SharedBuffer buffer) {
        ringQueues();
        Deadline deadline = Deadline.in(PATIENCE);
        for (QueueThread thread : threads) {
            if (!deadline.poll(PAUSE, () -> thread.hasSeen(buffer.epoch()))) {
                throw new IllegalStateException(
                        "%s does not let go of buffer %d".formatted(thread, buffer.index()));
            }
        }
    }

    private void unregister(int index) {
        try {
            control.unregisterBuffer(device.id(), index);
        } catch (LinuxException e) {
            if (!isGone(-e.number())) {
                throw e;
            }
        }
    }

    /** Somebody else has, or has deleted the device; or a former server died on its way to. */
    private static boolean isGone(int answer) {
        return answer == Errno.ENODEV.negated() || answer == Errno.ENOENT.negated();
    }

    /**
     * Runs a command that takes the server away, while no buffer comes or goes.
     *
     * @param onLate acts on the answer when it is late
     */
    void pause(String command, Runnable send, IntUnaryOperator onLate) {
        registration.run(
                command,
                () -> {
                    send.run();
                    return 0;
                },
                onLate);
    }
}
