package dev.ublk4j.embedded.device;

import dev.ublk4j.embedded.features.DriverSettings;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.uapi.Feature;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * All devices of a driver by number, and how long each is in use.
 *
 * <p>A device lives while anyone refers to it: the table itself until {@code DEL_DEV}, its open
 * char device, its disk, every command under way. Its number is free again when the last has let
 * go.
 */
public final class DeviceTable {
    /** {@code UBLK_MAX_UBLKS}: as many as there are minor numbers. */
    public static final int MAX_DEVICES = 1 << 20;

    /** {@code ublks_max}: how many of them unprivileged users may have. */
    private static final int MAX_UNPRIVILEGED = 64;

    /** Held by ADD_DEV and DEL_DEV from beginning to end; taken before any lock of a device. */
    private final ReentrantLock control = new ReentrantLock();

    private final DriverSettings settings;

    /** Guards the fields below. */
    private final ReentrantLock lock = new ReentrantLock();

    private final Condition freed = lock.newCondition();
    private final Map<Integer, UblkDevice> devices = new HashMap<>();
    private final BitSet numbers = new BitSet();

    /** Of {@link #control}. */
    private int unprivileged;

    /** Makes a table without devices. */
    public DeviceTable(DriverSettings settings) {
        this.settings = settings;
    }

    /** {@return the lock that {@code ADD_DEV} and {@code DEL_DEV} hold} */
    public ReentrantLock control() {
        return control;
    }

    /** {@return whether one more unprivileged device may be added; holding {@link #control}} */
    public boolean hasRoomForUnprivileged() {
        return unprivileged < MAX_UNPRIVILEGED;
    }

    /** Counts unprivileged devices, holding {@link #control}. */
    public void countUnprivileged(int change) {
        unprivileged += change;
    }

    /**
     * Takes a device number.
     *
     * @param wanted a number, or -1 for the lowest that is free
     * @return the number, {@code -EEXIST} when it is taken, {@code -ENOSPC} when all are
     */
    public int take(int wanted) {
        lock.lock();
        try {
            if (wanted >= 0 && numbers.get(wanted)) {
                return Errno.EEXIST.negated();
            }
            int number = wanted >= 0 ? wanted : numbers.nextClearBit(0);
            if (number >= MAX_DEVICES) {
                return Errno.ENOSPC.negated();
            }
            numbers.set(number);
            return number;
        } finally {
            lock.unlock();
        }
    }

    /** Makes a number free that no device has used. */
    public void untake(int number) {
        lock.lock();
        try {
            numbers.clear(number);
        } finally {
            lock.unlock();
        }
    }

    /**
     * Adds a device under a number that has been taken.
     *
     * @param info its {@code struct ublksrv_ctrl_dev_info}, copied
     */
    public void add(int number, MemorySegment info) {
        UblkDevice device = new UblkDevice(number, info, settings, this::free);
        lock.lock();
        try {
            devices.put(number, device);
        } finally {
            lock.unlock();
        }
    }

    /** {@return a device to be {@linkplain UblkDevice#put let go}; null for none} */
    public @Nullable UblkDevice get(int number) {
        lock.lock();
        try {
            UblkDevice device = devices.get(number);
            return device != null && device.tryGet() ? device : null;
        } finally {
            lock.unlock();
        }
    }

    /**
     * {@code DEL_DEV} and {@code DEL_DEV_ASYNC}.
     *
     * @param device which the caller has got; it is let go
     * @param wait whether to wait until nobody uses the device
     * @param own the queues that the sender serves: it uses the device itself
     * @return 0 or a negative errno
     */
    public int delete(UblkDevice device, boolean wait, OwnQueues own) {
        int id = device.id();
        if ((wait && !own.isNone()) || !own.lock(control)) {
            device.put();
            return OwnQueues.DEADLOCK;
        }
        try {
            if (!device.isDeleted()) {
                int answer = device.life().stop(own);
                if (answer < 0) {
                    device.put();
                    return answer;
                }
                device.deleted();
                device.put(); // the table's own reference
                if (device.description().has(Feature.UBLK_F_UNPRIVILEGED_DEV)) {
                    countUnprivileged(-1);
                }
            }
            device.put();
        } finally {
            control.unlock();
        }
        if (wait) {
            awaitFree(id);
        }
        return 0;
    }

    /** {@return whether there is a device of a number that has not been deleted} */
    public boolean hasCharDevice(int number) {
        lock.lock();
        try {
            UblkDevice device = devices.get(number);
            return device != null && !device.isDeleted();
        } finally {
            lock.unlock();
        }
    }

    /** {@return the numbers of all devices} */
    public List<Integer> ids() {
        lock.lock();
        try {
            return new ArrayList<>(devices.keySet());
        } finally {
            lock.unlock();
        }
    }

    /** Frees a device that nobody refers to, then its number. */
    private void free(UblkDevice device) {
        lock.lock();
        try {
            devices.remove(device.id());
        } finally {
            lock.unlock();
        }
        device.free();
        lock.lock();
        try {
            numbers.clear(device.id());
            freed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** Waits until a number is free. */
    private void awaitFree(int number) {
        lock.lock();
        try {
            while (numbers.get(number)) {
                freed.awaitUninterruptibly();
            }
        } finally {
            lock.unlock();
        }
    }
}
