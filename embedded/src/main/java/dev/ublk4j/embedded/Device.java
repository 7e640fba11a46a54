package dev.ublk4j.embedded;

import dev.ublk4j.driver.DataCounters;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.Mapping;
import dev.ublk4j.uapi.DeviceState;
import dev.ublk4j.uapi.wire.BufferOffset;
import dev.ublk4j.uapi.wire.DevInfo;
import dev.ublk4j.uapi.wire.IoResult;
import dev.ublk4j.uapi.wire.Params;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * A device from {@code ADD_DEV} until nobody refers to it: its description, its queues, and which
 * part of its life it is in. What moves it from one to the next is in {@link DeviceLife}.
 */
final class Device {
    /*
     * Locks, in the order they are taken:
     * -----------------------------------
     *   DeviceTable.control   ADD_DEV and DEL_DEV
     *   mutex                 parameters, the disk, tags fetched; START_DEV .. STOP_DEV in one piece
     *   cancelLock            `canceling` of the device and its queues, the open file
     *   DeviceTable.lock      references
     *
     * A queue thread takes the mutex for FETCH and no lock otherwise, so no one who holds the mutex may
     * wait for something that only a FETCH brings. STOP_DEV does wait while it holds it, for requests
     * that are under way: those need commits, or the end of the server, and neither takes the mutex
     * before the requests are answered. The registration of buffers waits for requests too, and has a
     * lock of its own.
     */
    static final int PAGE_BYTES = 4096;

    private final DeviceTable table;
    private final int id;
    private final Arena arena = Arena.ofShared();
    private final DeviceDescription description;
    private final DeviceParameters parameters;
    private final BufferRegistry buffers;
    private final HardwareQueue[] queues;
    private final DataTally retired = new DataTally();
    private final LongAdder userCopies = new LongAdder();
    private final boolean checkedCopies;
    private final KernelRelease release;

    private final ReentrantLock mutex = new ReentrantLock();
    private final Condition readyOrStopping = mutex.newCondition();
    private final ReentrantLock cancelLock = new ReentrantLock();

    /** Of the table's lock. */
    int references;

    // Of the mutex; volatile where commands look without it.
    private volatile int state = DeviceState.UBLK_S_DEV_DEAD;
    private volatile int serverPid = -1;
    private volatile @Nullable BlockDisk disk;
    private int queuesReady;
    private boolean stopping;
    private volatile boolean used;
    private volatile int openerPid = -1;

    // Of the cancel lock.
    private boolean canceling;
    private @Nullable CharFile file;

    /** Of the table's control lock. */
    volatile boolean deleted;

    private volatile boolean refusesOpeners;
    private final AtomicBoolean open = new AtomicBoolean();

    /**
     * Makes a device.
     *
     * @param negotiated its {@code struct ublksrv_ctrl_dev_info}, copied
     */
    Device(DeviceTable table, int id, MemorySegment negotiated, EmbeddedOptions options) {
        this.table = table;
        this.id = id;
        this.checkedCopies = options.checkedCopies();
        this.release = options.release();
        MemorySegment info = arena.allocate(DevInfo.SIZE, Long.BYTES);
        info.copyFrom(negotiated);
        description = new DeviceDescription(info);
        parameters =
                new DeviceParameters(
                        arena.allocate(Params.SIZE, Long.BYTES),
                        options.release().parameterTypes());
        buffers = new BufferRegistry(this, options.numberedFrames());
        queues = new HardwareQueue[description.queues()];
        long bytes =
                BufferOffset.descriptorBytes(
                        description.depth(), description.descriptorBytes(), PAGE_BYTES);
        for (int queue = 0; queue < queues.length; queue++) {
            MemorySegment descriptors = Mapping.anonymous(bytes, Mapping.MAP_PRIVATE, arena);
            queues[queue] = new HardwareQueue(this, queue, descriptors);
        }
    }

    /** Lets go of everything, when nobody refers to the device any more. */
    void free() {
        buffers.clear();
        arena.close();
    }

    DeviceTable table() {
        return table;
    }

    KernelRelease release() {
        return release;
    }

    int id() {
        return id;
    }

    DeviceDescription description() {
        return description;
    }

    int depth() {
        return description.depth();
    }

    int queues() {
        return queues.length;
    }

    HardwareQueue queue(int queueId) {
        return queues[queueId];
    }

    boolean has(long feature) {
        return description.has(feature);
    }

    boolean checkedCopies() {
        return checkedCopies;
    }

    /** Fills in what {@code GET_DEV_INFO} answers. */
    void describe(MemorySegment target) {
        description.copyTo(target, state, serverPid);
    }

    DeviceParameters parameters() {
        return parameters;
    }

    BufferRegistry buffers() {
        return buffers;
    }

    /** Counts what a server has copied itself; from any thread. */
    void countUserCopy(long bytes) {
        userCopies.add(bytes);
    }

    /** Keeps the counts of a ring that is closed. */
    void retire(DataTally ring) {
        synchronized (retired) {
            ring.addTo(retired);
        }
    }

    DataCounters counters() {
        DataTally sum = new DataTally();
        CharFile open = holdFile();
        if (open != null) {
            open.addCountersTo(sum);
            open.put();
        }
        synchronized (retired) {
            retired.addTo(sum);
        }
        sum.countCopy(userCopies.sum());
        return sum.snapshot();
    }

    ReentrantLock mutex() {
        return mutex;
    }

    ReentrantLock cancelLock() {
        return cancelLock;
    }

    int state() {
        return state;
    }

    void state(int newState) {
        state = newState;
    }

    void serverPid(int pid) {
        serverPid = pid;
    }

    /** {@return the process that has the char device open, -1 for none} */
    int openerPid() {
        return openerPid;
    }

    void openerPid(int pid) {
        openerPid = pid;
    }

    /** {@return the disk while the device is started} */
    @Nullable BlockDisk disk() {
        return disk;
    }

    void disk(@Nullable BlockDisk newDisk) {
        disk = newDisk;
    }

    /** {@return whether there is a disk, be it a stopped one that someone has open} */
    boolean isUsed() {
        return used;
    }

    void used() {
        used = true;
    }

    /** Ends the use of a disk that its last user has let go. */
    void diskFreed() {
        used = false;
        table.put(this);
    }

    /** {@return whether nobody had the char device open, and now the caller has} */
    boolean open() {
        return open.compareAndSet(false, true);
    }

    boolean isOpen() {
        return open.get();
    }

    /** Ends an {@link #open}. */
    void closed() {
        open.set(false);
    }

    boolean isStopping() {
        return stopping;
    }

    /** Turns the server away until it closes the char device; holding the mutex. */
    void stopping() {
        stopping = true;
        readyOrStopping.signalAll();
    }

    void refuseOpeners() {
        refusesOpeners = true;
    }

    boolean refusesOpeners() {
        return refusesOpeners;
    }

    /** {@return whether all tags have been fetched; holding the mutex} */
    boolean isReady() {
        return queuesReady == queues.length;
    }

    /**
     * Waits until all tags have been fetched or the device is being stopped, and holds the mutex.
     */
    void lockWhenReady() {
        mutex.lock();
        while (!isReady() && !stopping) {
            readyOrStopping.awaitUninterruptibly();
        }
    }

    /** Takes a tag's first command; answers 0 when it has been taken, or the command's answer. */
    int fetch(IoSlot slot, EmbeddedQueueRing ring, long address, long userData) {
        mutex.lock();
        try {
            if (stopping) {
                return IoResult.UBLK_IO_RES_ABORT;
            }
            if (isReady()) {
                return Errno.EBUSY.negated();
            }
            if (slot.state() != TagState.UNFETCHED) {
                return Errno.EINVAL.negated();
            }
            slot.fetch(ring, address, userData);
            HardwareQueue queue = slot.queue();
            if (queue.countFetched()) {
                queuesReady++;
                cancelLock.lock();
                try {
                    queue.ready(canceling);
                } finally {
                    cancelLock.unlock();
                }
                if (isReady()) {
                    readyOrStopping.signalAll();
                }
            }
            return 0;
        } finally {
            mutex.unlock();
        }
    }

    /** Keeps requests from the server from now on, until it has closed the char device. */
    void startCanceling() {
        cancelLock.lock();
        try {
            if (!canceling) {
                setCanceling();
            }
        } finally {
            cancelLock.unlock();
        }
    }

    private void setCanceling() {
        canceling = true;
        for (HardwareQueue queue : queues) {
            queue.setCanceling(true);
        }
    }

    /** Forgets the server that has closed the char device; holding the mutex. */
    void forgetServer() {
        for (HardwareQueue queue : queues) {
            queue.reset();
        }
        cancelLock.lock();
        try {
            canceling = false;
        } finally {
            cancelLock.unlock();
        }
        queuesReady = 0;
        openerPid = -1;
        stopping = false;
    }

    /** {@return the open char device, holding it open until {@link CharFile#put}; null for none} */
    @Nullable CharFile holdFile() {
        cancelLock.lock();
        try {
            CharFile open = file;
            return open != null && open.tryGet() ? open : null;
        } finally {
            cancelLock.unlock();
        }
    }

    void file(@Nullable CharFile newFile) {
        cancelLock.lock();
        try {
            file = newFile;
        } finally {
            cancelLock.unlock();
        }
    }

    @Override
    public String toString() {
        return "ublkc%d, %s".formatted(id, DeviceState.name(state));
    }
}
