package dev.ublk4j.embedded;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jspecify.annotations.Nullable;

/**
 * One opening of a char device: what its descriptor, its mappings and its rings have in common.
 * When the last of them is closed, the server has gone.
 */
final class CharFile {
    private final Device device;
    private final List<EmbeddedQueueRing> rings = new CopyOnWriteArrayList<>();
    private int references = 1;

    private CharFile(Device device) {
        this.device = device;
    }

    /** {@return an opening of a device's char device, or null when somebody has it open} */
    static @Nullable CharFile open(Device device) {
        if (!device.open()) {
            return null;
        }
        CharFile file;
        try {
            file = new CharFile(device);
        } catch (Throwable e) {
            device.closed();
            throw e;
        }
        device.table().get(device);
        device.openerPid((int) ProcessHandle.current().pid());
        device.file(file);
        return file;
    }

    Device device() {
        return device;
    }

    void add(EmbeddedQueueRing ring) {
        rings.add(ring);
    }

    void remove(EmbeddedQueueRing ring) {
        rings.remove(ring);
    }

    /** Has every ring give its idle commands back. */
    void cancelCommands() {
        for (EmbeddedQueueRing ring : rings) {
            ring.cancelCommands();
        }
    }

    void addCountersTo(DataTally sum) {
        for (EmbeddedQueueRing ring : rings) {
            ring.counters().addTo(sum);
        }
    }

    /** Adds a user. */
    synchronized void get() {
        assert references > 0 : device;
        references++;
    }

    /** Adds a user, unless the last has gone already. */
    synchronized boolean tryGet() {
        if (references == 0) {
            return false;
        }
        references++;
        return true;
    }

    /** Takes a user away; the last one ends the server. */
    void put() {
        synchronized (this) {
            assert references > 0 : device;
            if (--references > 0) {
                return;
            }
        }
        device.file(null);
        ServerExit.of(device);
    }
}
