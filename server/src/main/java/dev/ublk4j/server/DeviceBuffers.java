package dev.ublk4j.server;

import dev.ublk4j.driver.Control;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.LinuxException;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;

/** Registers shared buffers with the driver, and makes them known to a device's queues. */
final class DeviceBuffers {
    /** How long a target may hold up a queue that somebody waits for. */
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    /** How often a queue is asked whether it has let go of a buffer. */
    private static final long PAUSE_NANOS = 20_000;

    private final Device device;
    private final Control control;
    private final BufferTable table;
    private final List<QueueThread> threads;

    /**
     * Held while a buffer comes or goes, so that the driver does not give an index out again before
     * its entry is gone (see {@link BufferTable}), and while the server is taken away from the
     * device: without a server both commands would hang, and the device with them.
     */
    private final ReentrantLock registration = new ReentrantLock();

    DeviceBuffers(Device device, Control control, BufferTable table, List<QueueThread> threads) {
        this.device = device;
        this.control = control;
        this.table = table;
        this.threads = threads;
    }

    SharedBuffer share(MemorySegment memory, boolean readOnly, boolean mayBePinned) {
        requireOtherThread();
        registration.lock();
        try {
            if (device.isWithoutServer()) {
                throw new NotServedException(
                        "UBLK_U_CMD_REG_BUF", device.id(), "which waits for another server");
            }
            return register(memory, readOnly, mayBePinned);
        } finally {
            registration.unlock();
        }
    }

    private SharedBuffer register(MemorySegment memory, boolean readOnly, boolean mayBePinned) {
        table.beginRegistration();
        try {
            int index = control.registerBuffer(device.id(), memory, readOnly);
            SharedBuffer buffer = new SharedBuffer(device, index, memory, mayBePinned);
            table.enter(buffer);
            return buffer;
        } finally {
            table.endRegistration();
            // After the end, so that a request set aside finds its buffer, or finds that there is
            // none.
            threads.forEach(QueueThread::ring);
        }
    }

    /** Enters a buffer that a former server registered; before the queues start. */
    void adopt(int index, MemorySegment memory) {
        table.enter(new SharedBuffer(device, index, memory, true));
    }

    /** Refuses a thread that would wait for its own requests. */
    void requireOtherThread() {
        QueueThread.requireOther(threads);
    }

    /**
     * Takes a buffer back; its memory may be unmapped when this has returned.
     *
     * @return whether the driver has it no more: a device without a server keeps it registered, for
     *     the next to inherit
     */
    boolean unshare(int index) {
        boolean unregistered;
        long epoch;
        registration.lock();
        try {
            unregistered = device.isDeleted() || !device.isWithoutServer();
            if (!device.isDeleted() && unregistered) {
                unregister(index);
            }
            epoch = table.remove(index);
        } finally {
            registration.unlock();
        }
        threads.forEach(QueueThread::ring);
        long deadline = System.nanoTime() + PATIENCE.toNanos();
        for (QueueThread thread : threads) {
            while (!thread.hasSeen(epoch)) {
                if (System.nanoTime() > deadline) {
                    throw new IllegalStateException(
                            "%s does not let go of buffer %d".formatted(thread, index));
                }
                LockSupport.parkNanos(PAUSE_NANOS);
            }
        }
        return unregistered;
    }

    private void unregister(int index) {
        try {
            control.unregisterBuffer(device.id(), index);
        } catch (LinuxException e) {
            // Somebody else has, or has deleted the device; or a former server died on its way to.
            if (e.errno() != Errno.ENODEV && e.errno() != Errno.ENOENT) {
                throw e;
            }
        }
    }

    /** Runs a command that takes the server away, while no buffer comes or goes. */
    void pause(Runnable command) {
        registration.lock();
        try {
            command.run();
        } finally {
            registration.unlock();
        }
    }
}
