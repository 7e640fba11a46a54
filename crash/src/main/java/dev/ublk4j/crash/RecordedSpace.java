package dev.ublk4j.crash;

import dev.ublk4j.linux.Mapping;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingDeque;
import java.util.concurrent.LinkedBlockingDeque;

/** Where a history keeps what it is told, in segments that are added as they fill up. */
interface RecordedSpace extends AutoCloseable {
    /**
     * {@return memory, valid until the space is closed; what it holds is not said}
     *
     * @param bytes at least
     * @throws dev.ublk4j.linux.LinuxException when there is no room
     */
    MemorySegment segment(long bytes);

    /** {@return whether what is written has to be found whole by another process} */
    boolean isChecked();

    @Override
    void close();

    /** {@return memory outside of the heap} */
    static RecordedSpace inMemory() {
        return new InMemory();
    }

    /**
     * Memory outside of the heap. What a history gives back is kept for the next, as far as {@link
     * #MOST_KEPT} goes: the kernel takes many times as long to find a new page as it takes to copy
     * a block to one that is there.
     */
    final class InMemory implements RecordedSpace {
        /** Segments of {@link Lane#SEGMENT} that are kept: 256 MiB. */
        private static final int MOST_KEPT = 64;

        private static final BlockingDeque<Segment> KEPT = new LinkedBlockingDeque<>(MOST_KEPT);

        /** Memory, and what frees it. */
        private static final class Segment {
            private final Arena arena = Arena.ofShared();
            private final MemorySegment memory;

            Segment(long bytes) {
                try {
                    memory = Mapping.hugeAnonymous(bytes, arena);
                } catch (Throwable e) {
                    arena.close();
                    throw e;
                }
            }
        }

        private final Arena arena = Arena.ofShared();
        private final List<Segment> segments = new ArrayList<>();

        private InMemory() {}

        @Override
        public synchronized MemorySegment segment(long bytes) {
            Segment kept = bytes <= Lane.SEGMENT ? KEPT.pollFirst() : null;
            Segment segment = kept != null ? kept : new Segment(Math.max(Lane.SEGMENT, bytes));
            segments.add(segment);
            return Mapping.lend(segment.memory, arena);
        }

        @Override
        public boolean isChecked() {
            return false;
        }

        @Override
        public synchronized void close() {
            if (!arena.scope().isAlive()) {
                return;
            }
            // From here on nobody reads or writes what the next history gets.
            arena.close();
            for (Segment each : segments) {
                boolean isKept = each.memory.byteSize() == Lane.SEGMENT && KEPT.offerFirst(each);
                if (!isKept) {
                    each.arena.close();
                }
            }
        }
    }
}
