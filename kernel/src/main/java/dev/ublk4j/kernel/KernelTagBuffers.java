package dev.ublk4j.kernel;

import dev.ublk4j.driver.spi.TagBuffers;
import dev.ublk4j.uring.BufferRing;
import dev.ublk4j.uring.Ring;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Buffers of tags in a buffer ring of the queue's io_uring. */
final class KernelTagBuffers implements TagBuffers {
    private final Arena arena = Arena.ofConfined();
    private final MemorySegment memory;
    private final BufferRing ring;
    private final int bufferBytes;

    KernelTagBuffers(Ring queueRing, int group, int count, int tags) {
        bufferBytes = tags * Short.BYTES;
        memory = arena.allocate((long) count * bufferBytes, Long.BYTES);
        try {
            ring = queueRing.openBufferRing(group, count, false);
        } catch (Throwable e) {
            arena.close(); // the kernel refuses it, or no memory is left
            throw e;
        }
        for (int buffer = 0; buffer < count; buffer++) {
            add(buffer);
        }
        ring.publish();
    }

    private void add(int buffer) {
        ring.add(memory.address() + (long) buffer * bufferBytes, bufferBytes, buffer);
    }

    /** {@return the number that an entry selects a buffer by} */
    int group() {
        return ring.group();
    }

    @Override
    public int tag(int buffer, int index) {
        return Short.toUnsignedInt(
                memory.get(
                        ValueLayout.JAVA_SHORT,
                        (long) buffer * bufferBytes + (long) index * Short.BYTES));
    }

    @Override
    public void giveBack(int buffer) {
        add(buffer);
        ring.publish();
    }

    @Override
    public void close() {
        ring.close();
        arena.close();
    }
}
