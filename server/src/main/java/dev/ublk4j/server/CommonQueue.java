package dev.ublk4j.server;

import dev.ublk4j.linux.Deadline;
import dev.ublk4j.linux.Mapping;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * What several threads have in common that are given the requests of one queue, each those which it
 * fetches ({@code UBLK_F_BATCH_IO}): the buffers, since a tag's next request may come to another
 * thread, and who gives the tags to the driver. Any of the threads.
 */
final class CommonQueue {
    /** How long a thread may take to get from its start to its first commands. */
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    private static final Duration PAUSE = Duration.ofMillis(1);

    private final AtomicInteger preparers = new AtomicInteger();
    private final int threads;

    // Of the monitor.
    private int left;
    private boolean isNeeded;
    private @Nullable Arena arena;
    private @Nullable MemorySegment memory;

    private volatile boolean prepared;
    private volatile boolean failed;

    CommonQueue(int threads) {
        this.threads = threads;
    }

    /** {@return the memory of all buffers} */
    synchronized MemorySegment memory(long bytes) {
        MemorySegment made = memory;
        if (made == null) {
            @SuppressWarnings("MustBeClosedChecker") // the last thread that leaves closes it
            Arena own = arena == null ? Arena.ofShared() : arena;
            arena = own;
            made = Mapping.anonymous(bytes, Mapping.MAP_PRIVATE, own);
            memory = made;
        }
        return made;
    }

    /** {@return whether the caller is the one that gives the tags to the driver} */
    boolean isPreparer() {
        return preparers.getAndIncrement() == 0;
    }

    /** Says that the driver has the tags. */
    void prepared() {
        prepared = true;
    }

    /**
     * Waits until the driver has the tags: a fetch that comes earlier is refused.
     *
     * @throws IllegalStateException when that thread has failed, or does not get there
     */
    void awaitPrepared() {
        boolean _ = Deadline.in(PATIENCE).poll(PAUSE, () -> prepared || failed);
        if (!prepared) {
            throw new IllegalStateException(
                    "another thread of the queue has not given its tags to the driver");
        }
    }

    /**
     * Lets go of the memory, which stays as long as another thread of the queue has not.
     *
     * @param ioLeft whether the kernel may still touch it; then it stays for good
     */
    synchronized void leave(boolean ioLeft) {
        left++;
        failed = true;
        isNeeded |= ioLeft;
        Arena own = arena;
        if (left == threads && !isNeeded && own != null) {
            arena = null;
            memory = null;
            own.close();
        }
    }
}
