package dev.ublk4j.embedded;

import dev.ublk4j.linux.Errno;
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
final class DeviceTable {
    /** {@code UBLK_MAX_UBLKS}: as many as there are minor numbers. */
    static final int MAX_DEVICES = 1 << 20;

    /** {@code ublks_max}: how many of them unprivileged users may have. */
    private static final int MAX_UNPRIVILEGED = 64;

    /** Held by ADD_DEV and DEL_DEV from beginning to end; taken before any lock of a device. */
    private final ReentrantLock control = new ReentrantLock();

    /** Guards the fields below and the counts of references. */
    private final ReentrantLock lock = new ReentrantLock();

    private final Condition freed = lock.newCondition();
    private final Map<Integer, Device> devices = new HashMap<>();
    private final BitSet numbers = new BitSet();

    /** Of {@link #control}. */
    private int unprivileged;

    ReentrantLock control() {
        return control;
    }

    /** {@return whether one more unprivileged device may be added; holding {@link #control}} */
    boolean hasRoomForUnprivileged() {
        return unprivileged < MAX_UNPRIVILEGED;
    }

    /** Counts unprivileged devices, holding {@link #control}. */
    void countUnprivileged(int change) {
        unprivileged += change;
    }

    /**
     * Takes a device number.
     *
     * @param wanted a number, or -1 for the lowest that is free
     * @return the number, {@code -EEXIST} when it is taken, {@code -ENOSPC} when all are
     */
    int take(int wanted) {
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
    void untake(int number) {
        lock.lock();
        try {
            numbers.clear(number);
        } finally {
            lock.unlock();
        }
    }

    /** Adds a device under its number, with the table's own reference. */
    void add(Device device) {
        lock.lock();
        try {
            device.references++;
            devices.put(device.id(), device);
        } finally {
            lock.unlock();
        }
    }

    /** {@return a device and a reference to it that {@link #put} takes back; null for none} */
    @Nullable Device get(int number) {
        lock.lock();
        try {
            Device device = devices.get(number);
            if (device != null) {
                device.references++;
            }
            return device;
        } finally {
            lock.unlock();
        }
    }

    /** {@return whether there is a device of a number that has not been deleted} */
    boolean hasCharDevice(int number) {
        lock.lock();
        try {
            Device device = devices.get(number);
            return device != null && !device.deleted;
        } finally {
            lock.unlock();
        }
    }

    /** {@return the numbers of all devices} */
    List<Integer> ids() {
        lock.lock();
        try {
            return new ArrayList<>(devices.keySet());
        } finally {
            lock.unlock();
        }
    }

    /** Adds a reference to a device of which the caller has one. */
    void get(Device device) {
        lock.lock();
        try {
            assert device.references > 0 : device;
            device.references++;
        } finally {
            lock.unlock();
        }
    }

    /** Takes a reference back; the last one frees the device. */
    void put(Device device) {
        lock.lock();
        try {
            assert device.references > 0 : device;
            if (--device.references > 0) {
                return;
            }
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
    void awaitFree(int number) {
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
