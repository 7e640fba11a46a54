package dev.ublk4j.server;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/** What one queue has done. Written by its thread alone, read by any. */
final class QueueCounters {
    private static final VarHandle COUNT = MethodHandles.arrayElementVarHandle(long[].class);

    private static final int SHARED_REQUESTS = 0;
    private static final int SHARED_BYTES = 1;
    private static final int COPIED_REQUESTS = 2;
    private static final int COPIED_BYTES = 3;

    private final long[] counts = new long[COPIED_BYTES + 1];

    private void add(int what, long amount) {
        // One writer: a plain read suffices. Opaque: readers see whole numbers, sooner or later.
        COUNT.setOpaque(counts, what, counts[what] + amount);
    }

    private long get(int what) {
        return (long) COUNT.getOpaque(counts, what);
    }

    void shared(long bytes) {
        add(SHARED_REQUESTS, 1);
        add(SHARED_BYTES, bytes);
    }

    void copied(long bytes) {
        add(COPIED_REQUESTS, 1);
        add(COPIED_BYTES, bytes);
    }

    DeviceCounters read() {
        return new DeviceCounters(
                get(SHARED_REQUESTS), get(SHARED_BYTES), get(COPIED_REQUESTS), get(COPIED_BYTES));
    }
}
