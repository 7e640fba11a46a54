package com.example;

import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.Fd;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.uring.IoUring;
import dev.ublk4j.uring.Ring;
import dev.ublk4j.uring.RingOptions;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;

/**
 * Reads blocks of a file, many at a time, with one system call for many reads.
 *
 * <p>The file and the buffers are registered with the ring once, so that the kernel looks up neither
 * the file nor the pages for each read. The buffers are allocated once; reading allocates nothing.
 * A reader belongs to the thread that opened it, which is a platform thread.
 */
public final class RingReader implements AutoCloseable {
    /** The slot of the ring that the file is registered in. */
    private static final int FILE = 0;

    /** The slot of the ring that the memory of all buffers is registered in. */
    private static final int BUFFERS = 0;

    private final String name;
    private final int blockBytes;
    private final Arena arena = Arena.ofConfined();
    private final Ring ring;
    private final MemorySegment memory;
    private final int[] free;
    private int freeCount;
    private final long[] positions;
    private int failure;
    private BlockHandler handler = (_, _) -> {};

    /**
     * Opens a file.
     *
     * @param blockBytes bytes of a block
     * @param depth how many reads are in flight at a time
     * @throws LinuxException when the file cannot be opened, or this machine has no io_uring
     */
    public RingReader(Path path, int blockBytes, int depth) {
        this.name = path.toString();
        this.blockBytes = blockBytes;
        this.positions = new long[depth];
        this.free = new int[depth];
        for (int i = 0; i < depth; i++) {
            free[freeCount++] = i;
        }
        memory = arena.allocate((long) blockBytes * depth, 4096);
        ring = Ring.open(RingOptions.defaults().withEntries(depth));
        try (Fd file = Fd.open(path, Fd.O_RDONLY | Fd.O_CLOEXEC)) {
            // The ring keeps the file open.
            ring.registerFiles(new int[] {file.number()});
            ring.registerBuffers(memory);
        } catch (RuntimeException e) {
            close();
            throw e;
        }
    }

    /**
     * Reads blocks, in any order, and returns when all have been handed over.
     *
     * @param where the position of each block in the file
     * @param to takes the blocks in the order in which they arrive
     * @throws LinuxException when a read fails, or the file ends within a block
     */
    public void read(long[] where, BlockHandler to) {
        handler = to;
        failure = 0;
        for (long position : where) {
            if (freeCount == 0) {
                await();
            }
            int buffer = free[--freeCount];
            positions[buffer] = position;
            ring.readFixed(FILE, block(buffer).address(), blockBytes, position, BUFFERS, buffer);
            ring.setSqeFlags(IoUring.IOSQE_FIXED_FILE);
        }
        while (freeCount < free.length) {
            await();
        }
        LinuxException.check("read", name, failure);
    }

    private void await() {
        ring.submitAndWait(1);
        ring.drain(this::onRead);
    }

    private void onRead(long buffer, int result, int flags) {
        int index = (int) buffer;
        free[freeCount++] = index;
        if (result == blockBytes) {
            handler.onBlock(positions[index], block(index));
        } else {
            failure = result < 0 ? result : Errno.EIO.negated();
        }
    }

    private MemorySegment block(int buffer) {
        return memory.asSlice((long) buffer * blockBytes, blockBytes);
    }

    /** Closes the ring, and the file with it. */
    @Override
    public void close() {
        ring.close();
        arena.close();
    }
}
