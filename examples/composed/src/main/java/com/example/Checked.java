package com.example;

import dev.ublk4j.layers.Layer;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.server.Completion;
import dev.ublk4j.server.Queue;
import dev.ublk4j.server.Request;
import dev.ublk4j.server.Target;
import dev.ublk4j.server.TargetQueue;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.zip.CRC32C;

/**
 * Another target that is checked: a block that comes back other than it was written is an error.
 * Over each leg of a mirror, it has the mirror read from the other one.
 */
public final class Checked extends Layer {
    private static final int BLOCK = 4096;

    /** What a block has no sum of its own for: nobody has written it yet. */
    private static final long UNKNOWN = 0;

    private final AtomicLongArray sums;

    public Checked(Target target) {
        super(List.of(target), legs -> legs.getFirst().withBlockSize(BLOCK));
        sums = new AtomicLongArray((int) (geometry().size() / BLOCK));
    }

    @Override
    protected TargetQueue open(Queue queue, List<TargetQueue> below) {
        TargetQueue leg = below.getFirst();
        Completion check = this::check;
        return request -> {
            switch (request.operation()) {
                case READ -> {
                    // Asked for before the part is sent, the data is in memory afterwards.
                    MemorySegment _ = request.data();
                    request.part(0, request.length()).then(check).submitTo(leg);
                }
                case WRITE -> {
                    note(request);
                    leg.submit(request);
                }
                case DISCARD, WRITE_ZEROES -> {
                    forget(request);
                    leg.submit(request);
                }
                case FLUSH -> leg.submit(request);
            }
        };
    }

    private void note(Request write) {
        for (long at = 0; at < write.length(); at += BLOCK) {
            sums.set((int) ((write.offset() + at) / BLOCK), sum(write.data(), at));
        }
    }

    private void forget(Request range) {
        for (long at = range.offset(); at < range.end(); at += BLOCK) {
            sums.set((int) (at / BLOCK), UNKNOWN);
        }
    }

    private int check(Request read, int result) {
        for (long at = 0; at < result; at += BLOCK) {
            long expected = sums.get((int) ((read.offset() + at) / BLOCK));
            if (expected != UNKNOWN && expected != sum(read.data(), at)) {
                return Errno.EIO.negated();
            }
        }
        return result;
    }

    private static long sum(MemorySegment data, long at) {
        CRC32C sum = new CRC32C();
        sum.update(data.asSlice(at, BLOCK).asByteBuffer());
        return 1L << 32 | sum.getValue();
    }
}
