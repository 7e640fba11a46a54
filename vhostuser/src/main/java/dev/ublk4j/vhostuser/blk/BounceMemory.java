package dev.ublk4j.vhostuser.blk;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/**
 * The memory of one queue for data that a client has not aligned as the disk needs it. Clients
 * choose how much they ask for at once, so there is a bound to it: as much as the queue's own
 * requests have, which is what the disk's operator has chosen.
 */
final class BounceMemory {
    /** What there is at least: more than a firmware or a boot loader ever asks for at once. */
    private static final long LEAST = 8L << 20;

    private static final int PAGE = 4096;

    private final LongAdder count = new LongAdder();
    private long most = LEAST;
    private long inUse;

    /** Sets what there is in all; nothing is in use. */
    void setMost(long bytes) {
        most = Math.max(LEAST, bytes);
    }

    /** {@return whether there is ever as much} */
    boolean canHold(long bytes) {
        return bytes <= most;
    }

    /**
     * {@return memory, aligned to pages; null when there is none until some has been given back}
     */
    @Nullable MemorySegment takeOrNull(int bytes) {
        if (bytes > most - inUse) {
            return null;
        }
        MemorySegment memory = Arena.ofAuto().allocate(bytes, PAGE);
        inUse += bytes;
        count.increment();
        return memory;
    }

    /** Takes memory back. */
    void giveBack(MemorySegment memory) {
        inUse -= memory.byteSize();
    }

    /** {@return how often memory was taken; any thread} */
    long count() {
        return count.sum();
    }
}
