package dev.ublk4j.embedded.device;

import dev.ublk4j.embedded.block.Gendisk;
import dev.ublk4j.embedded.block.QueueLimits;
import dev.ublk4j.embedded.block.ZoneScan;
import dev.ublk4j.embedded.device.LifeState.Event;
import dev.ublk4j.embedded.features.DeviceDescription;
import dev.ublk4j.embedded.freeze.FreezeOutcome;
import dev.ublk4j.embedded.queue.QueueSet;
import dev.ublk4j.linux.Deadline;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.uapi.Feature;
import dev.ublk4j.uapi.wire.ParamType;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * The life of a device: it owns the {@linkplain LifeState state}, and each method here is one of
 * the events that move it. All answer 0 or a negative errno. Any thread.
 */
public final class DeviceLife {
    private static final int INVALID = Errno.EINVAL.negated();

    private final int id;
    private final DeviceDescription description;
    private final DeviceParameters parameters;
    private final QueueSet queues;
    private final References device;
    private final ServerReadiness readiness;

    // Of the mutex; volatile where commands look without it.
    private volatile LifeState state = LifeState.DEAD;
    private volatile int serverPid = -1;
    private volatile @Nullable Gendisk disk;

    /** Whether there is a disk, be it a stopped one that someone has open. */
    private volatile boolean used;

    /** The process that has the char device open, -1 for none. */
    private volatile int openerPid = -1;

    private volatile @Nullable CharFile file;
    private volatile boolean refusesOpeners;
    private final AtomicBoolean open = new AtomicBoolean();

    /**
     * Makes the life of a device that has just been added.
     *
     * @param device held by the open char device and by the disk
     */
    DeviceLife(int id, DeviceParameters parameters, QueueSet queues, References device) {
        this.id = id;
        this.parameters = parameters;
        this.queues = queues;
        this.device = device;
        this.description = queues.description();
        this.readiness = new ServerReadiness(queues);
    }

    private ReentrantLock mutex() {
        return readiness.mutex();
    }

    /** Moves on; holding the mutex, and with an event that the state allows. */
    private void move(Event event) {
        LifeState next = state.after(event);
        if (next == null) {
            throw new IllegalStateException(event + " of " + this);
        }
        state = next;
    }

    /** {@return the disk while the device is started} */
    public @Nullable Gendisk disk() {
        return disk;
    }

    /** {@return whether the device has not been started, or has been stopped} */
    boolean isDead() {
        return state == LifeState.DEAD;
    }

    /** {@return whether unprivileged users find the disk closed} */
    public boolean refusesOpeners() {
        return refusesOpeners;
    }

    /** Fills in what {@code GET_DEV_INFO} answers. */
    public void describe(MemorySegment target) {
        description.copyTo(target, state.number(), serverPid);
    }

    /** {@code SET_PARAMS}: refused once there is a disk; what is not valid clears all of them. */
    public int setParameters(long address, int length) {
        mutex().lock();
        try {
            return used
                    ? Errno.EACCES.negated()
                    : parameters.set(address, length, description.maxIoBytes());
        } finally {
            mutex().unlock();
        }
    }

    /** {@code GET_PARAMS}. */
    public int getParameters(long address, int length) {
        mutex().lock();
        try {
            parameters.fillDeviceNumbers(id, disk != null);
            return parameters.get(address, length);
        } finally {
            mutex().unlock();
        }
    }

    /** {@code START_DEV}: waits until all tags have been fetched. */
    public int start(int pid) {
        if (pid <= 0 || !parameters.has(ParamType.UBLK_PARAM_TYPE_BASIC)) {
            return INVALID;
        }
        readiness.lockWhenReady();
        try {
            if (pid != openerPid) {
                return INVALID;
            }
            if (!state.allows(Event.START) || used) {
                return Errno.EEXIST.negated();
            }
            if (readiness.isStopping()) {
                return Errno.EBUSY.negated();
            }
            QueueLimits limits = parameters.limits();
            Gendisk started =
                    new Gendisk(
                            id,
                            limits,
                            parameters.attributes(),
                            parameters.devSectors(),
                            queues.all(),
                            description.depth(),
                            this::diskFreed);
            device.get();
            serverPid = pid;
            disk = started;
            move(Event.START);
            used = true;
            int answer = description.isZoned() ? scanZones(started) : 0;
            if (answer < 0) {
                boolean _ = stopLocked(OwnQueues.none());
            }
            return answer;
        } catch (LinuxException e) {
            return -e.number();
        } finally {
            mutex().unlock();
        }
    }

    /** Holding the mutex, as the kernel does: a server that goes meanwhile comes no further. */
    private int scanZones(Gendisk started) {
        return new ZoneScan(started, parameters.maxSectors())
                .run(() -> {
                    if (file == null) {
                        queues.abortAll();
                        started.drainQueues();
                    }
                });
    }

    private void diskFreed() {
        used = false;
        device.put();
    }

    /**
     * {@code STOP_DEV}: waits until every request has been answered.
     *
     * @param own the queues that the sender serves; with requests of theirs under way the answer is
     *     {@link OwnQueues#DEADLOCK} and nothing changes
     */
    public int stop(OwnQueues own) {
        CharFile held;
        if (!own.lock(mutex())) {
            return OwnQueues.DEADLOCK;
        }
        try {
            if (!stopLocked(own)) {
                return OwnQueues.DEADLOCK;
            }
            held = holdFile();
            if (held != null) {
                readiness.stop();
            }
        } finally {
            mutex().unlock();
        }
        if (held != null) {
            // Held, so that these are the commands of the server that was stopped and not the next.
            held.cancelCommands();
            held.put();
        }
        return 0;
    }

    /**
     * Takes the disk away, holding the mutex.
     *
     * @return false when requests of the sender's own queues are under way: nothing has changed
     */
    private boolean stopLocked(OwnQueues own) {
        Gendisk stopped = disk;
        if (!state.allows(Event.STOP) || stopped == null) {
            return true;
        }
        if (!own.isNone() && !stopped.shut(own.queues())) {
            return false;
        }
        if (description.holdsRequests()) {
            abortHeld(stopped);
        }
        stopped.remove();
        if (!own.isNone()) {
            stopped.gate().thaw();
        }
        move(Event.STOP);
        serverPid = -1;
        disk = null;
        stopped.detached();
        return true;
    }

    /**
     * Fails the requests that wait for a next server, once those that a server has are answered.
     */
    private void abortHeld(Gendisk stopped) {
        boolean frozen =
                state == LifeState.LIVE
                        && stopped.gate().freeze(Deadline.FOREVER) == FreezeOutcome.FROZEN;
        queues.abortAll();
        if (frozen) {
            stopped.gate().thaw();
        }
        stopped.drainQueues();
    }

    /** {@code TRY_STOP_DEV}: stops a device whose disk nobody has open. */
    public int tryStop(OwnQueues own) {
        Gendisk started = disk;
        if (started == null) {
            return Errno.ENODEV.negated();
        }
        if (own.haveRequests()) {
            return OwnQueues.DEADLOCK;
        }
        if (started.isOpen()) {
            return Errno.EBUSY.negated();
        }
        refusesOpeners = true;
        return stop(own);
    }

    /** {@code START_USER_RECOVERY}. */
    public int startRecovery() {
        mutex().lock();
        try {
            if (!description.isRecoverable()) {
                return INVALID;
            }
            return open.get() || !state.allows(Event.RECOVER) ? Errno.EBUSY.negated() : 0;
        } finally {
            mutex().unlock();
        }
    }

    /** {@code END_USER_RECOVERY}: waits until all tags have been fetched. */
    public int endRecovery(int pid) {
        readiness.lockWhenReady();
        try {
            if (pid != openerPid || !description.isRecoverable()) {
                return INVALID;
            }
            Gendisk recovered = disk;
            if (!state.allows(Event.RECOVER) || recovered == null) {
                return Errno.EBUSY.negated();
            }
            serverPid = pid;
            move(Event.RECOVER);
            recovered.drainQueues();
            return 0;
        } finally {
            mutex().unlock();
        }
    }

    /**
     * {@code QUIESCE_DEV}. The kernel first waits until each queue has a tag without a request that
     * is put aside; requests are put aside here only once this command has let go of the mutex.
     */
    public int quiesce() {
        if (!description.has(Feature.UBLK_F_QUIESCE)) {
            return Errno.EOPNOTSUPP.negated();
        }
        mutex().lock();
        try {
            if (disk == null || isDead()) {
                return Errno.ENODEV.negated();
            }
            if (state == LifeState.LIVE) {
                readiness.startCanceling();
            }
        } finally {
            mutex().unlock();
        }
        CharFile held = holdFile();
        if (held != null) {
            held.cancelCommands();
            held.put();
        }
        return 0;
    }

    /** {@code UPDATE_SIZE}. */
    public int resize(long sectors) {
        mutex().lock();
        try {
            Gendisk resized = disk;
            if (resized == null) {
                return Errno.ENODEV.negated();
            }
            parameters.devSectors(sectors);
            resized.resize(sectors);
            return 0;
        } finally {
            mutex().unlock();
        }
    }

    /** {@return an opening of the char device, or null when somebody has it open} */
    @Nullable CharFile open() {
        if (!open.compareAndSet(false, true)) {
            return null;
        }
        CharFile opened;
        try {
            opened = new CharFile(queues, readiness, this::serverGone);
        } catch (Throwable e) {
            open.set(false);
            throw e;
        }
        device.get();
        openerPid = (int) ProcessHandle.current().pid();
        file = opened;
        return opened;
    }

    /** {@return the open char device, holding it open until {@link CharFile#put}; null for none} */
    @Nullable CharFile holdFile() {
        CharFile opened = file;
        return opened != null && opened.tryGet() ? opened : null;
    }

    /*
     * Order:
     * ------
     * 1. Wait for copies of request data that other threads are in the middle of.
     * 2. Without the mutex, and before anything that could wait: end or put aside the requests that the
     *    server had. A STOP_DEV may be waiting for them while it holds the mutex.
     * 3. With the mutex: the device's next state. Without recovery the disk goes; every request that
     *    is still on its way to the server's closed rings ends by itself.
     * 4. Forget the server's commands: a next one can open the char device and fetch.
     */
    private void serverGone() {
        file = null;
        queues.awaitCopies();
        if (disk != null) {
            readiness.startCanceling();
            queues.abortServed();
        }
        mutex().lock();
        try {
            if (disk != null) {
                goOnWithoutServer();
            }
            readiness.forget();
            openerPid = -1;
        } finally {
            mutex().unlock();
        }
        open.set(false);
        device.put();
    }

    private void goOnWithoutServer() {
        if (!description.isRecoverable()) {
            queues.abortAll();
            boolean _ = stopLocked(OwnQueues.none());
        } else if (description.holdsRequests()) {
            move(Event.HOLD);
        } else {
            move(Event.FAIL);
            queues.fail();
        }
    }

    @Override
    public String toString() {
        return "ublkc%d, %s".formatted(id, state);
    }
}
