package dev.ublk4j.server;

import dev.ublk4j.uapi.IoOp;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.Map;

/** What one queue has done. Written by its thread alone, read by any. */
final class QueueCounters {
    private static final VarHandle COUNT = MethodHandles.arrayElementVarHandle(long[].class);

    private static final int SHARED_REQUESTS = 0;
    private static final int SHARED_BYTES = 1;
    private static final int COPIED_REQUESTS = 2;
    private static final int COPIED_BYTES = 3;
    private static final int DELIVERED = 4;
    private static final int COMMITTED = 5;
    private static final int FAILED = 6;
    private static final int LOST = 7;
    private static final int REGISTERED_REQUESTS = 8;
    private static final int REGISTERED_BYTES = 9;
    private static final int FIRST_OPERATION = 10;

    /** Of those that a driver may send. */
    private static final int OPERATIONS = IoOp.UBLK_IO_OP_REPORT_ZONES + 1;

    private final long[] counts = new long[FIRST_OPERATION + OPERATIONS];
    private final LatencyCounts latency = new LatencyCounts();

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

    void registered(long bytes) {
        add(REGISTERED_REQUESTS, 1);
        add(REGISTERED_BYTES, bytes);
    }

    /** Counts a request that names a buffer whose memory this server does not have. */
    void lost() {
        add(LOST, 1);
    }

    void delivered(int op) {
        add(DELIVERED, 1);
        add(FIRST_OPERATION + Math.min(op, OPERATIONS - 1), 1);
    }

    void committed(int result) {
        add(COMMITTED, 1);
        if (result < 0) {
            add(FAILED, 1);
        }
    }

    LatencyCounts latency() {
        return latency;
    }

    DeviceCounters read() {
        return new DeviceCounters(
                get(SHARED_REQUESTS),
                get(SHARED_BYTES),
                get(COPIED_REQUESTS),
                get(COPIED_BYTES),
                get(REGISTERED_REQUESTS),
                get(REGISTERED_BYTES));
    }

    /** Adds what is known of requests, whatever they were, to a sum. */
    void addTo(DeviceStatistics.Sum sum) {
        // Commits first: a request that is answered meanwhile counts as out rather than as less
        // than none.
        long committed = get(COMMITTED);
        sum.committed += committed;
        sum.delivered += get(DELIVERED);
        sum.failed += get(FAILED);
        sum.lost += get(LOST);
        Map<String, Long> operations = sum.operations;
        for (int op = 0; op < OPERATIONS; op++) {
            long count = get(FIRST_OPERATION + op);
            if (count > 0) {
                operations.merge(IoOp.name(op), count, Long::sum);
            }
        }
        latency.addTo(sum.latency);
    }
}
