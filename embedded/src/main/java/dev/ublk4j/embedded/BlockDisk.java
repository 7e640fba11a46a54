package dev.ublk4j.embedded;

import dev.ublk4j.embedded.block.QueueLimits;
import dev.ublk4j.embedded.freeze.FreezeGate;
import dev.ublk4j.embedded.freeze.FreezeOutcome;
import dev.ublk4j.embedded.freeze.GateListener;
import dev.ublk4j.linux.Deadline;
import dev.ublk4j.linux.Errno;
import java.util.concurrent.locks.LockSupport;

/**
 * The disk of a started device, {@code /dev/ublkbN}, from {@code START_DEV} until it is stopped and
 * its last opener has closed it.
 *
 * <p>Any thread. The state that is not volatile is guarded by the object's monitor.
 */
final class BlockDisk implements GateListener {
    /** What a request sees of a disk that has been removed. */
    static final int REMOVED = Errno.EIO.negated();


    private static final long RECHECK_NANOS = 200_000;

    private final Device device;
    private final QueueLimits limits;
    private final boolean readOnly;
    private final boolean volatileCache;
    private final boolean knowsFua;
    private final FreezeGate gate;
    private final DiskQueue[] queues;
    private volatile long capacitySectors;

    /** Takes no new submissions. */
    private volatile boolean dead;

    /** Ends what waits with an error. */
    private volatile boolean removed;

    private int openers;
    private boolean attached = true;

    BlockDisk(Device device, DeviceParameters parameters, QueueLimits limits) {
        this.device = device;
        this.limits = limits;
        this.readOnly = parameters.isReadOnly();
        this.volatileCache = parameters.hasVolatileCache();
        this.knowsFua = parameters.knowsFua();
        this.capacitySectors = parameters.devSectors();
        this.gate = new FreezeGate(device.queues(), this);
        this.queues = new DiskQueue[device.queues()];
        for (int id = 0; id < queues.length; id++) {
            queues[id] = new DiskQueue(this, device.queue(id), device.depth());
        }
    }

    QueueLimits limits() {
        return limits;
    }

    FreezeGate gate() {
        return gate;
    }

    boolean isReadOnly() {
        return readOnly;
    }

    boolean hasVolatileCache() {
        return volatileCache;
    }

    boolean knowsFua() {
        return knowsFua;
    }

    boolean isDead() {
        return dead;
    }

    boolean isRemoved() {
        return removed;
    }

    /** {@return the size in sectors, 0 once the disk is dead} */
    long capacitySectors() {
        return dead ? 0 : capacitySectors;
    }

    void resize(long sectors) {
        capacitySectors = sectors;
    }

    int queues() {
        return queues.length;
    }

    DiskQueue queue(int id) {
        return queues[id];
    }

    Device device() {
        return device;
    }

    /** Lets go whatever may go, after the device has changed. */
    void drainQueues() {
        for (DiskQueue queue : queues) {
            queue.drain();
        }
    }

    @Override
    public void onOpened() {
        drainQueues();
    }

    @Override
    public void onKilled() {
        drainQueues();
    }

    /**
     * Takes the disk away: refuses new submissions, waits until the server or the device's end has
     * answered those that are there ({@code del_gendisk}).
     */
    void remove() {
        dead = true;
        while (hasParkedThatMoves()) {
            drainQueues();
            LockSupport.parkNanos(this, RECHECK_NANOS);
        }
        removed = true;
        gate.kill();
        gate.drain(Deadline.FOREVER);
        drainQueues();
    }

    /**
     * Turns everybody away before the disk is removed on behalf of a server's own thread, which
     * lets nobody in any more: those who wait outside end with an error.
     *
     * @return whether nobody is inside the thread's queues, and the gate is frozen; otherwise
     *     nothing has changed
     */
    boolean shut(OwnQueues own) {
        if (gate.freeze(Deadline.FOREVER, own.queues()) != FreezeOutcome.FROZEN) {
            return false;
        }
        dead = true;
        removed = true;
        return true;
    }

    private boolean hasParkedThatMoves() {
        for (DiskQueue queue : queues) {
            if (queue.parked() != 0 && queue.driver().admission() == HardwareQueue.ADMITTED) {
                return true;
            }
        }
        return false;
    }

    /** {@return 0, or a negative errno; each 0 takes one {@link #closed}} */
    synchronized int opened() {
        if (dead || !attached) {
            return Errno.ENXIO.negated();
        }
        openers++;
        return 0;
    }

    /**
     * {@return whether nobody had the disk open, and unprivileged users will find it closed from
     * now on}
     */
    synchronized boolean lockIfUnopened() {
        if (openers > 0) {
            return false;
        }
        device.refuseOpeners();
        return true;
    }

    /** Takes back one {@link #opened}. */
    void closed() {
        boolean last;
        synchronized (this) {
            last = --openers == 0 && !attached;
        }
        if (last) {
            device.diskFreed();
        }
    }

    /** Ends the driver's own use of the disk. */
    void detached() {
        boolean last;
        synchronized (this) {
            attached = false;
            last = openers == 0;
        }
        if (last) {
            device.diskFreed();
        }
    }

    @Override
    public String toString() {
        return "ublkb" + device.id();
    }
}
