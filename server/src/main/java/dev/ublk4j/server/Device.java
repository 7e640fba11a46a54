package dev.ublk4j.server;

import dev.ublk4j.driver.DataCounters;
import dev.ublk4j.driver.Driver;
import dev.ublk4j.driver.control.Control;
import dev.ublk4j.driver.spi.CharDevice;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.server.spi.QueueGuests;
import dev.ublk4j.uapi.DeviceInfo;
import dev.ublk4j.uapi.DeviceState;
import java.lang.System.Logger.Level;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;

/**
 * A block device that this process serves.
 *
 * <p>Several devices may live in one process, over one driver or several. Any thread may call any
 * method, except the threads of the device's own queues and the handlers of its requests: what
 * would wait for their own request throws {@link IllegalStateException}.
 */
public final class Device implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger(Device.class.getName());

    private static final Duration FOREVER = Duration.ofNanos(Long.MAX_VALUE);

    private final Control control;
    private final Ending ending;
    private final Resizing size;
    private final DeviceInfo info;
    private final Target target;
    private final CharDevice charDevice;
    private final BufferTable table = new BufferTable();
    private final List<QueueThread> threads = new ArrayList<>();
    private final DeviceBuffers buffers;
    private final AtomicInteger running;
    private final CompletableFuture<Void> stopped = new CompletableFuture<>();
    private final Departure departure = new Departure(() -> threads.forEach(QueueThread::ring));

    private volatile boolean left;

    /** The driver has taken this server away, and keeps the device. */
    private volatile boolean quiesced;

    Device(
            Control control,
            Target target,
            Geometry geometry,
            DeviceInfo info,
            CharDevice charDevice) {
        this.control = control;
        this.info = info;
        this.target = target;
        this.charDevice = charDevice;
        this.size = new Resizing(info.deviceId(), control, target, geometry);
        this.ending = new Ending(this, control, target, size);
        List<ServedTags> served = ServedTags.of(info, threadsOf(target));
        this.running = new AtomicInteger(served.size());
        QueueGuests guests = NoGuest.guestsOf(target, charDevice.pinsBuffers());
        Placement placement = new Placement(control, info, target);
        this.buffers = new DeviceBuffers(this, control, table, threads, guests.pinsMemory());
        for (ServedTags tags : served) {
            threads.add(
                    new QueueThread(
                            charDevice,
                            info,
                            tags,
                            target,
                            guests.guest(tags.thread()),
                            geometry.logicalBlockSize(),
                            table,
                            departure,
                            placement,
                            this::onExit));
        }
    }

    /**
     * {@return how many threads a target asks for, null for one for each queue}
     *
     * @throws IllegalArgumentException where it has guests, too, who are told of queues
     */
    static @Nullable ServerThreads threadsOf(Target target) {
        ServerThreads threads = target.ability(ServerThreads.class);
        if (threads != null && target.ability(QueueGuests.class) != null) {
            throw new IllegalArgumentException(
                    "queues that have guests are served by a thread each");
        }
        return threads;
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
        return new Startup(driver, target, options).run();
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

    /** Takes the size of a target that others resize, from now on. */
    void followTarget() {
        size.follow();
    }

    void startQueues() {
        QueueThread.startAll(threads);
    }

    /** Undoes everything, when the device did not become live: it is deleted, its target closed. */
    void takeDown() {
        closeUnstarted();
        ending.close();
    }

    /** As {@link #takeDown}, but leaves the device to the next server. */
    void letGo() {
        closeUnstarted();
        ending.leave(departure);
    }

    private void closeUnstarted() {
        if (threads.stream().noneMatch(QueueThread::isStarted)) {
            charDevice.close();
            stopped.complete(null);
        }
    }

    /** On a queue's thread, as the last thing it does. */
    private void onExit(QueueThread thread) {
        if (thread.failed() && !stopped.isDone()) {
            // A queue that no longer serves would keep its requests for ever, and the driver with
            // them, whoever asked it to stop the device. It gives them up, as those of a server
            // that has died, when nobody has the char device any more; so all queues end.
            departure.begin();
        }
        if (running.decrementAndGet() == 0) {
            try {
                left = isKeptForAnother();
            } finally {
                charDevice.close();
                stopped.complete(null);
            }
        }
    }

    private boolean isRecoverable() {
        return Recovery.of(info.flags()) != Recovery.NONE;
    }

    /** {@return whether the device waits for another server, or is about to} */
    boolean isWithoutServer() {
        // Once it has ended, the driver is not asked: the number may be another device's.
        return stopped.isDone() ? left : departure.hasBegun() && isKeptForAnother();
    }

    /**
     * Refuses a command for a device that may not be this any more, but another with its number.
     */
    void requireServed(String command) {
        if (stopped.isDone() || isWithoutServer()) {
            throw new NotServedException(command, id());
        }
    }

    /** {@return whether somebody else has deleted the device} */
    boolean isGone() {
        return charDevice.isGone();
    }

    /**
     * A device that has been stopped is dead before its queues end; one without its server is not.
     * One of which nothing is known is kept, unless it was stopped from here: what is kept in vain
     * can be deleted, and what was deleted is lost.
     */
    private boolean isKeptForAnother() {
        if (!isRecoverable() || quiesced) {
            return isRecoverable();
        }
        try {
            return control.info(id()).state() != DeviceState.UBLK_S_DEV_DEAD;
        } catch (LinuxException e) {
            boolean kept = e.errno() != Errno.ENODEV && !ending.hasBegunToStop();
            LOG.log(
                    kept ? Level.WARNING : Level.DEBUG,
                    () ->
                            "cannot read the state of %s, assuming that it is %s: %s"
                                    .formatted(
                                            this,
                                            kept ? "waiting for a server" : "gone",
                                            e.getMessage()));
            return kept;
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

    /** {@return how the device is served} */
    public Mode mode() {
        return Mode.of(info.flags());
    }

    /** {@return the target, which belongs to the device; to be asked for its abilities} */
    public Target target() {
        return target;
    }

    /** {@return what the target said of itself} */
    public Geometry geometry() {
        return size.geometry();
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
        return buffers.share(memory, readOnly);
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
     * Gives the device another size: where it grows, once the target has made room.
     *
     * @param bytes a multiple of the logical block size
     * @throws UnsupportedOperationException when the target cannot change its size
     * @throws IllegalArgumentException for a size it cannot have
     * @throws LinuxException what the target's files answer; {@link
     *     dev.ublk4j.driver.MissingFeatureException} before Linux 6.16. Both have their old size
     *     then
     * @throws NotServedException when this server has left the device, or it has stopped
     * @throws dev.ublk4j.driver.ControlTimeoutException when the driver takes longer; target and
     *     device agree again with the outcome
     */
    public void resize(long bytes) {
        requireServed("UBLK_U_CMD_UPDATE_SIZE");
        size.change(bytes);
    }

    /**
     * Has somebody told when the device has another size because others have {@linkplain
     * SelfResizing resized} its target. Who was named before is told no more.
     *
     * @param listener is given the new size in bytes; on a thread of the target's
     */
    public void onResize(LongConsumer listener) {
        size.tell(listener);
    }

    /**
     * Takes this server away from a device that can be {@linkplain Recovery recovered}, for another
     * to {@linkplain #recover take over}. Requests that the target has are answered first; later
     * ones wait for the next server, or fail where the device was added so. Shared buffers stay
     * registered. Closing the device then leaves it added. Does nothing when this server has left.
     *
     * @param patience how long the driver may wait for each queue to have an idle tag
     * @throws LinuxException {@code EOPNOTSUPP} for a device that was not added for this, {@code
     *     EBUSY} when the patience ended
     * @throws dev.ublk4j.driver.ControlTimeoutException when the driver does not answer at all; if
     *     it does so later, the server is taken away then
     * @throws IllegalStateException when the target does not answer its requests in time, or when a
     *     handler calls whose own request would be waited for
     */
    public void quiesce(Duration patience) {
        QueueThread.requireOther(threads);
        buffers.pause(
                "UBLK_U_CMD_QUIESCE_DEV",
                () -> {
                    if (isWithoutServer()) {
                        return;
                    }
                    requireServed("UBLK_U_CMD_QUIESCE_DEV");
                    control.quiesce(id(), patience);
                    quiesced = true;
                    departure.begin();
                },
                answer -> {
                    if (answer >= 0) {
                        quiesced = true;
                        departure.begin();
                    }
                    return answer;
                });
        ending.awaitQueues();
    }

    /** {@return whether the device is gone, so that another may have its number} */
    boolean isDeleted() {
        return ending.isDeleted();
    }

    /** {@return completes when the device has stopped} */
    CompletableFuture<Void> end() {
        return stopped;
    }

    /** {@return whether the device has ended here and waits for another server} */
    public boolean isLeft() {
        return left;
    }

    /** Waits until the device has stopped, whoever stopped it. */
    public void awaitStop() throws InterruptedException {
        boolean stops = awaitStop(FOREVER);
        assert stops;
    }

    /** {@return whether the device has stopped within a time, whoever stopped it} */
    public boolean awaitStop(Duration timeout) throws InterruptedException {
        QueueThread.requireOther(threads);
        try {
            stopped.get(TimeUnit.NANOSECONDS.convert(timeout), TimeUnit.NANOSECONDS);
            return true;
        } catch (TimeoutException e) {
            return false;
        } catch (ExecutionException e) {
            throw new AssertionError(e);
        }
    }

    /**
     * Stops the device: the block device goes away, requests that the target has are answered,
     * others fail. The device stays added. Does nothing when it has stopped.
     *
     * @throws dev.ublk4j.driver.ControlTimeoutException when the target does not answer its
     *     requests in time: the device stops when it has
     * @throws IllegalStateException when the queues do not end in time, or when a handler calls
     *     whose own request would be waited for
     */
    public void stop() {
        QueueThread.requireOther(threads);
        departure.announce();
        ending.stop();
    }

    /**
     * Waits for the target to answer the requests that it has now. Whoever must stop the device in
     * time does that first: the driver waits for those answers, and so does Linux with the end of
     * the process that has told it to.
     *
     * @return whether they have been answered in time, or the device has stopped
     */
    public boolean awaitAnswers(Duration patience) {
        QueueThread.requireOther(threads);
        departure.announce();
        return QueueThread.awaitAnswers(threads, patience) || stopped.isDone();
    }

    /**
     * Stops the device, deletes it and closes its target. A device that is {@linkplain #isLeft
     * left} to another server stays as it is. A second call does nothing; after one that has thrown
     * it does what is left, which also happens by itself once the driver and the target let it.
     *
     * @throws dev.ublk4j.driver.ControlTimeoutException when the driver does not stop or delete the
     *     device in time
     * @throws LinuxException when it refuses
     * @throws IllegalStateException as {@link #stop}
     */
    @Override
    public void close() {
        QueueThread.requireOther(threads);
        departure.announce();
        ending.close();
    }

    @Override
    public String toString() {
        return "ublk" + id() + " (" + geometry() + ")";
    }
}
