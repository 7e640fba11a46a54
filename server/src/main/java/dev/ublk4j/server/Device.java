package dev.ublk4j.server;

import dev.ublk4j.driver.CharDevice;
import dev.ublk4j.driver.Control;
import dev.ublk4j.driver.Driver;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.uapi.DeviceInfo;
import java.lang.System.Logger.Level;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;

/**
 * A block device that this process serves.
 *
 * <p>Several devices may live in one process, over one driver or several. Any thread may call any
 * method, except the threads of the device's own queues.
 */
public final class Device implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger(Device.class.getName());

    /** How long the target may hold up a queue, or a request, that somebody waits for. */
    private static final Duration TARGET_PATIENCE = Duration.ofSeconds(30);

    /** How often a queue is asked whether it has let go of a buffer. */
    private static final long CATCH_UP_PAUSE_NANOS = 20_000;

    private final Control control;
    private final Target target;
    private final Geometry geometry;
    private final DeviceInfo info;
    private final CharDevice charDevice;
    private final BufferTable table = new BufferTable();

    /** Held while buffers come or go; see {@link BufferTable}. */
    private final ReentrantLock registration = new ReentrantLock();

    private final List<QueueThread> threads = new ArrayList<>();
    private final AtomicInteger running;
    private final CountDownLatch stopped = new CountDownLatch(1);
    private final AtomicBoolean closed = new AtomicBoolean();

    private Device(
            Control control,
            Target target,
            Geometry geometry,
            DeviceInfo info,
            CharDevice charDevice) {
        this.control = control;
        this.target = target;
        this.geometry = geometry;
        this.info = info;
        this.charDevice = charDevice;
        this.running = new AtomicInteger(info.queues());
        for (int queue = 0; queue < info.queues(); queue++) {
            threads.add(new QueueThread(charDevice, info, queue, target, table, this::onExit));
        }
    }

    /**
     * Adds a device to a driver and serves it; returns when it is live.
     *
     * @param driver must stay open until the device is closed
     * @param target belongs to the device from now on, also when this fails: it is closed with it
     * @param options how to serve it
     * @throws LinuxException when the driver refuses a command: {@code EEXIST} when the number is
     *     taken, {@code EPERM} or {@code EACCES} for a user who may not, {@code EINVAL} for a
     *     geometry it cannot do
     */
    public static Device start(Driver driver, Target target, DeviceOptions options) {
        Control control = new Control(driver);
        Undo undo = new Undo();
        undo.add(target::close);
        try {
            Geometry geometry = target.geometry();
            DeviceInfo info = control.add(request(options));
            undo.add(() -> control.delete(info.deviceId()));
            control.setParams(info.deviceId(), Parameters.of(geometry, info));
            CharDevice charDevice = driver.open(info.deviceId());
            Device device = new Device(control, target, geometry, info, charDevice);
            undo.add(device::takeDown);
            device.startQueues();
            control.start(info.deviceId(), ProcessHandle.current().pid());
            LOG.log(Level.INFO, () -> device + " is live on " + driver.name());
            return device;
        } catch (RuntimeException | Error e) {
            undo.run(e);
            throw e;
        }
    }

    private static DeviceInfo request(DeviceOptions options) {
        return DeviceInfo.request(
                options.id(),
                options.queues(),
                options.depth(),
                options.maxIo(),
                options.features());
    }

    private void startQueues() {
        try {
            CompletableFuture<?>[] fetched =
                    threads.stream().map(QueueThread::start).toArray(CompletableFuture[]::new);
            CompletableFuture.allOf(fetched).join();
        } catch (CompletionException e) {
            if (e.getCause() instanceof RuntimeException cause) {
                throw cause;
            }
            throw e;
        }
    }

    /**
     * Undoes what the constructor and {@link #startQueues} did, when the device did not become
     * live.
     */
    private void takeDown() {
        if (threads.stream().noneMatch(QueueThread::isStarted)) {
            charDevice.close();
            return;
        }
        stop();
    }

    /** On a queue's thread, as the last thing it does. */
    private void onExit(QueueThread thread) {
        if (thread.failed() && stopped.getCount() > 0) {
            // A queue that no longer serves would keep its requests for ever. Not from this
            // thread: the driver waits for the queue.
            Thread.ofVirtual().name(thread + "-stop").start(this::stopAfterFailure);
        }
        if (running.decrementAndGet() == 0) {
            charDevice.close();
            stopped.countDown();
        }
    }

    private void stopAfterFailure() {
        try {
            control.stop(id());
        } catch (LinuxException e) {
            LOG.log(Level.ERROR, () -> this + " cannot be stopped", e);
        }
    }

    /** {@return the device's number, the N of {@code /dev/ublkbN}} */
    public int id() {
        return info.deviceId();
    }

    /** {@return what the driver made of the options} */
    public DeviceInfo info() {
        return info;
    }

    /** {@return what the target said of itself} */
    public Geometry geometry() {
        return geometry;
    }

    /**
     * Shares memory with the device: requests whose data lies in it reach the target without a
     * copy.
     *
     * <p>The device must have been started with {@link dev.ublk4j.uapi.Feature#SHMEM_ZC}. Not from
     * a queue's thread.
     *
     * @param memory page aligned, at most 4 GiB, mapped shared; it must stay mapped until the
     *     answer is closed, or the device is
     * @param readOnly whether only writes to the device are to use it, because the memory must not
     *     be changed
     * @throws LinuxException {@code EOPNOTSUPP} without the feature, {@code EEXIST} when a page of
     *     it is shared already, {@code EFAULT} when it is not mapped, {@code ENOSPC} when there are
     *     65,536 buffers
     */
    public SharedBuffer share(MemorySegment memory, boolean readOnly) {
        registration.lock();
        table.beginRegistration();
        try {
            int index = control.registerBuffer(id(), memory, readOnly);
            SharedBuffer buffer = new SharedBuffer(this, index, memory);
            table.enter(buffer);
            return buffer;
        } finally {
            table.endRegistration();
            registration.unlock();
            // After the end, so that a request set aside finds its buffer, or finds that there is
            // none.
            threads.forEach(QueueThread::ring);
        }
    }

    /** Takes a shared buffer back; its memory may be unmapped when this has returned. */
    void unshare(int index) {
        long epoch;
        registration.lock();
        try {
            unlessGone(() -> control.unregisterBuffer(id(), index));
            epoch = table.remove(index);
        } finally {
            registration.unlock();
        }
        threads.forEach(QueueThread::ring);
        long deadline = System.nanoTime() + TARGET_PATIENCE.toNanos();
        for (QueueThread thread : threads) {
            while (!thread.hasSeen(epoch)) {
                if (System.nanoTime() > deadline) {
                    throw new IllegalStateException(
                            "%s does not let go of buffer %d".formatted(thread, index));
                }
                LockSupport.parkNanos(CATCH_UP_PAUSE_NANOS);
            }
        }
    }

    /** {@return what the device has done so far} */
    public DeviceCounters counters() {
        return DeviceCounters.sum(threads.stream().map(QueueThread::counters).toList());
    }

    /** Waits until the device has stopped, whoever stopped it. */
    public void awaitStop() throws InterruptedException {
        stopped.await();
    }

    /**
     * Waits until the device has stopped, whoever stopped it.
     *
     * @return whether it has within the time
     */
    public boolean awaitStop(Duration timeout) throws InterruptedException {
        return stopped.await(timeout.toNanos(), TimeUnit.NANOSECONDS);
    }

    /**
     * Stops the device: the block device goes away, requests that the target has are answered,
     * others fail. The device stays added. Does nothing when it has stopped.
     *
     * @throws IllegalStateException when the target does not answer its requests in time
     */
    public void stop() {
        if (stopped.getCount() > 0) {
            unlessGone(() -> control.stop(id()));
            awaitQueues();
        }
    }

    private void awaitQueues() {
        try {
            if (!awaitStop(TARGET_PATIENCE)) {
                throw new IllegalStateException(
                        "%s has requests out with its target that are not answered"
                                .formatted(this));
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while " + this + " stops", e);
        }
    }

    /** Stops the device, deletes it and closes its target. A second call does nothing. */
    @Override
    public void close() {
        if (!closed.compareAndSet(false, true)) {
            return;
        }
        try {
            stop();
            unlessGone(() -> control.delete(id()));
        } finally {
            target.close();
        }
        LOG.log(Level.INFO, () -> this + " is deleted");
    }

    /** Somebody else may have deleted the device, which is as good. */
    private static void unlessGone(Runnable command) {
        try {
            command.run();
        } catch (LinuxException e) {
            if (e.errno() != Errno.ENODEV) {
                throw e;
            }
        }
    }

    @Override
    public String toString() {
        return "ublk" + id() + " (" + geometry + ")";
    }
}
