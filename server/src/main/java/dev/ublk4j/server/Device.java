package dev.ublk4j.server;

import dev.ublk4j.driver.CharDevice;
import dev.ublk4j.driver.Control;
import dev.ublk4j.driver.DataCounters;
import dev.ublk4j.driver.Driver;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.uapi.ControlCommand;
import dev.ublk4j.uapi.DeviceInfo;
import dev.ublk4j.uapi.DeviceState;
import java.lang.System.Logger.Level;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntFunction;

/**
 * A block device that this process serves.
 *
 * <p>Several devices may live in one process, over one driver or several. Any thread may call any
 * method, except the threads of the device's own queues and the handlers of its requests: what
 * would wait for their own request throws {@link IllegalStateException}.
 */
public final class Device implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger(Device.class.getName());

    /** How long the target may hold up a queue, or a request, that somebody waits for. */
    private static final Duration TARGET_PATIENCE = Duration.ofSeconds(30);

    private final Control control;
    private final Target target;
    private volatile Geometry geometry;
    private final DeviceInfo info;
    private final CharDevice charDevice;
    private final BufferTable table = new BufferTable();
    private final List<QueueThread> threads = new ArrayList<>();
    private final DeviceBuffers buffers;
    private final AtomicInteger running;
    private final CountDownLatch stopped = new CountDownLatch(1);
    private final AtomicBoolean closed = new AtomicBoolean();
    private final Departure departure = new Departure(this::ringQueues);
    private volatile boolean left;

    /** Its number may be another device's from now on. */
    private volatile boolean deleted;

    Device(
            Control control,
            Target target,
            Geometry geometry,
            DeviceInfo info,
            CharDevice charDevice,
            IntFunction<? extends QueueGuest> guests) {
        this.control = control;
        this.target = target;
        this.geometry = geometry;
        this.info = info;
        this.charDevice = charDevice;
        this.running = new AtomicInteger(info.queues());
        this.buffers = new DeviceBuffers(this, control, table, threads);
        for (int queue = 0; queue < info.queues(); queue++) {
            threads.add(
                    new QueueThread(
                            charDevice,
                            info,
                            queue,
                            target,
                            guests.apply(queue),
                            table,
                            departure,
                            this::onExit));
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
        return start(driver, target, options, queue -> new NoGuest());
    }

    /**
     * Adds a device to a driver and serves it, with a guest on the thread of each queue; see {@link
     * #start(Driver, Target, DeviceOptions)}.
     *
     * @param guests makes the guest of a queue, by the queue's number
     */
    public static Device start(
            Driver driver,
            Target target,
            DeviceOptions options,
            IntFunction<? extends QueueGuest> guests) {
        return new Startup(driver, target, options, guests).run();
    }

    /**
     * Serves a device whose server has died or has {@linkplain #quiesce left}; returns when it is
     * live. What the former server knew of the device, apart from the driver, the caller must know.
     *
     * @param driver must stay open until the device is closed
     * @param id the device's number
     * @param target serves the same data as the former server's; belongs to the device from now on,
     *     also when this fails: it is closed with it
     * @param inherited the shared buffers that are registered with the device, all of them
     * @throws LinuxException when the driver refuses a command: {@code EINVAL} for a device that
     *     cannot be {@linkplain Recovery recovered}, {@code EBUSY} for one that has a server
     * @throws IllegalArgumentException when the target cannot serve what the device is
     */
    public static Device recover(Driver driver, int id, Target target, Inheritance inherited) {
        return new Takeover(new Control(driver), id, target, inherited).run();
    }

    void startQueues() {
        QueueThread.startAll(threads);
    }

    /** Undoes the constructor and {@link #startQueues}, when the device did not become live. */
    void takeDown() {
        end(this::stop);
    }

    /** Lets go of a device that did not become live, and leaves it to the next server. */
    void letGo() {
        end(() -> {
            departure.begin();
            awaitQueues();
        });
    }

    private void end(Runnable howToEndQueues) {
        if (threads.stream().anyMatch(QueueThread::isStarted)) {
            howToEndQueues.run();
        } else {
            charDevice.close();
        }
    }

    private void ringQueues() {
        threads.forEach(QueueThread::ring);
    }

    /** On a queue's thread, as the last thing it does. */
    private void onExit(QueueThread thread) {
        if (thread.failed() && stopped.getCount() > 0) {
            // A queue that no longer serves would keep its requests for ever.
            endAfterFailure(thread);
        }
        if (running.decrementAndGet() == 0) {
            left = isKeptForAnother();
            charDevice.close();
            stopped.countDown();
        }
    }

    private void endAfterFailure(QueueThread failed) {
        if (isRecoverable()) {
            departure.begin();
        } else {
            // Not from the queue's thread: the driver waits for it.
            Thread.ofVirtual().name(failed + "-stop").start(this::stopAfterFailure);
        }
    }

    private void stopAfterFailure() {
        try {
            control.stop(id());
        } catch (LinuxException e) {
            LOG.log(Level.ERROR, () -> this + " cannot be stopped", e);
        }
    }

    private boolean isRecoverable() {
        return Recovery.of(info.flags()) != Recovery.NONE;
    }

    /** {@return whether the device waits for another server, or is about to} */
    boolean isWithoutServer() {
        return departure.hasBegun() && isKeptForAnother();
    }

    /**
     * A device that has been stopped is dead before its queues end; one without its server is not.
     */
    private boolean isKeptForAnother() {
        try {
            return isRecoverable() && control.info(id()).state() != DeviceState.UBLK_S_DEV_DEAD;
        } catch (LinuxException e) {
            LOG.log(Level.DEBUG, () -> this + " is gone: " + e.getMessage());
            return false;
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
     * <p>The device must have been started with {@link dev.ublk4j.uapi.Feature#SHMEM_ZC}.
     *
     * @param memory page aligned, at most 4 GiB, mapped shared; it must stay mapped until the
     *     answer is closed, or the device is
     * @param readOnly whether only writes to the device are to use it, because the memory must not
     *     be changed
     * @throws LinuxException {@code EOPNOTSUPP} without the feature, {@code EEXIST} when a page of
     *     it is shared already, {@code EFAULT} when it is not mapped, {@code ENOSPC} when there are
     *     65,536 buffers
     * @throws IllegalStateException when a handler calls whose own request would be waited for
     */
    public SharedBuffer share(MemorySegment memory, boolean readOnly) {
        return buffers.share(memory, readOnly, true);
    }

    /**
     * Shares memory whose pages come and go meanwhile, as a guest's do that has a balloon: as
     * {@link #share}, but never {@linkplain Request#fixedBuffer registered} with a queue's ring,
     * which would bring in every page and keep it. For a driver that does not pin either.
     */
    public SharedBuffer shareUnpinned(MemorySegment memory) {
        return buffers.share(memory, false, false);
    }

    /** {@return the shared buffer of an index, be it shared or inherited} */
    public Optional<SharedBuffer> sharedBuffer(int index) {
        return Optional.ofNullable(table.lookUp(index));
    }

    DeviceBuffers buffers() {
        return buffers;
    }

    /** {@return what the device has done so far} */
    public DeviceCounters counters() {
        return DeviceCounters.sum(queueCounters());
    }

    /** {@return what the device has done so far, in full} */
    public DeviceStatistics statistics() {
        return DeviceStatistics.of(queueCounters(), info.queues() * info.queueDepth());
    }

    /** {@return what the driver knows of how data travelled, if it tells} */
    public Optional<DataCounters> driverCounters() {
        return control.driver().dataCounters(id());
    }

    private List<QueueCounters> queueCounters() {
        return threads.stream().map(QueueThread::counters).toList();
    }

    /**
     * Gives the device another size, once the target has made room.
     *
     * @param bytes a multiple of the logical block size
     * @throws UnsupportedOperationException when the target cannot change its size
     * @throws IllegalArgumentException for a size it cannot have
     * @throws LinuxException what the target's files answer; {@link
     *     dev.ublk4j.driver.MissingFeatureException} before Linux 6.16, when nothing has changed
     */
    public synchronized void resize(long bytes) {
        Geometry resized = geometry.withSize(bytes);
        control.require(ControlCommand.UPDATE_SIZE); // before the target is another size
        target.resize(bytes);
        control.resize(id(), bytes / Request.SECTOR);
        geometry = resized;
    }

    /**
     * Takes this server away from a device that can be {@linkplain Recovery recovered}, for another
     * to {@linkplain #recover take over}. Requests that the target has are answered first; later
     * ones wait for the next server, or fail where the device was added so. Shared buffers stay
     * registered. Closing the device then leaves it added.
     *
     * @param patience how long the driver may wait for each queue to have an idle tag
     * @throws LinuxException {@code EOPNOTSUPP} for a device that was not added for this, {@code
     *     EBUSY} when the patience ended
     * @throws IllegalStateException when the target does not answer its requests in time, or when a
     *     handler calls whose own request would be waited for
     */
    public void quiesce(Duration patience) {
        QueueThread.requireOther(threads);
        buffers.pause(() -> {
            control.quiesce(id(), patience);
            departure.begin();
        });
        awaitQueues();
    }

    /** {@return whether the device is gone, so that another may have its number} */
    boolean isDeleted() {
        return deleted;
    }

    /** {@return whether the device has ended here and waits for another server} */
    public boolean isLeft() {
        return left;
    }

    /** Waits until the device has stopped, whoever stopped it. */
    public void awaitStop() throws InterruptedException {
        stopped.await();
    }

    /** {@return whether the device has stopped within a time, whoever stopped it} */
    public boolean awaitStop(Duration timeout) throws InterruptedException {
        return stopped.await(timeout.toNanos(), TimeUnit.NANOSECONDS);
    }

    /**
     * Stops the device: the block device goes away, requests that the target has are answered,
     * others fail. The device stays added. Does nothing when it has stopped.
     *
     * @throws IllegalStateException when the target does not answer its requests in time, or when a
     *     handler calls whose own request would be waited for
     */
    public void stop() {
        if (stopped.getCount() > 0) {
            QueueThread.requireOther(threads);
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

    /**
     * Stops the device, deletes it and closes its target. A device that is {@linkplain #isLeft
     * left} to another server stays as it is. A second call does nothing.
     */
    @Override
    public void close() {
        QueueThread.requireOther(threads);
        if (!closed.compareAndSet(false, true)) {
            return;
        }
        try {
            stop();
            if (!left) {
                unlessGone(() -> control.delete(id()));
                deleted = true;
            }
        } finally {
            target.close();
        }
        LOG.log(Level.INFO, () -> this + (left ? " waits for another server" : " is deleted"));
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
