package dev.ublk4j.nbd;

import dev.ublk4j.linux.internal.Complaint;
import dev.ublk4j.server.Device;
import java.lang.System.Logger.Level;
import java.util.ArrayDeque;

/**
 * The areas that are shared with a device. Sharing takes the device a moment in which it serves
 * nobody, so areas of clients that have gone are kept for those who come.
 */
final class SharedAreas {
    private static final System.Logger LOG = System.getLogger(SharedAreas.class.getName());

    /** Thirty-two requests of 256 KiB. */
    static final long BYTES = 8 << 20;

    private static final int KEPT = 8;

    /** What was short when an area was refused may be there again after so long. */
    private static final long RETRY_NANOS = 10_000_000_000L;

    private final Device device;
    private final ArrayDeque<DataArea> idle = new ArrayDeque<>();
    private boolean closed;
    private boolean refused;
    private long refusedAt;

    SharedAreas(Device device) {
        this.device = device;
    }

    /** {@return an area, shared where it can be} */
    DataArea take() {
        synchronized (this) {
            DataArea area = idle.pollFirst();
            if (area != null) {
                return area;
            }
            if (refused && System.nanoTime() - refusedAt < RETRY_NANOS) {
                return DataArea.copied(BYTES);
            }
        }
        try {
            return DataArea.shared(device, BYTES);
        } catch (Throwable e) {
            boolean isFirst;
            synchronized (this) {
                isFirst = !refused;
                refused = true;
                refusedAt = System.nanoTime();
            }
            if (isFirst) {
                String text =
                        "data is copied, because it cannot be shared with %s: %s"
                                .formatted(device, e.getMessage());
                Complaint.log(LOG, Level.WARNING, text, null);
            }
            return DataArea.copied(BYTES);
        }
    }

    /** Takes an area back, none of whose pages is in use. */
    void giveBack(DataArea area) {
        assert area.runs().isEmpty() : "in use";
        synchronized (this) {
            if (!closed && idle.size() < KEPT) {
                idle.addFirst(area);
                return;
            }
        }
        close(area);
    }

    /** Its memory stays mapped where the device may still use it. */
    private void close(DataArea area) {
        try {
            area.close();
        } catch (Throwable e) {
            String text = "%s keeps the memory of a disconnected client: %s".formatted(device, e);
            Complaint.log(LOG, Level.ERROR, text, null);
        }
    }

    /** Lets go of the areas that nobody uses; those that are in use go when they are given back. */
    void close() {
        while (true) {
            DataArea area;
            synchronized (this) {
                closed = true;
                area = idle.pollFirst();
            }
            if (area == null) {
                return;
            }
            close(area);
        }
    }
}
