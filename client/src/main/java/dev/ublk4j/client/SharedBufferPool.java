package dev.ublk4j.client;

import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.sharedmemory.Seal;
import dev.ublk4j.sharedmemory.SharedMemory;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Buffers in shared memory, from which block devices are read and written without a copy.
 *
 * <p>The memory is one memfd, of huge pages where the machine has enough, that can never be made
 * smaller. {@linkplain #attach Attaching} the pool to a device hands the memfd to the device's
 * server; from then on the server finds the data of the application's requests where it is. With a
 * device whose server does not share memory the pool works all the same, and the kernel copies.
 *
 * <p>Any thread may call any method. {@link #acquireOrNull} and {@link PooledBuffer#release} take
 * no lock and allocate nothing.
 */
public final class SharedBufferPool implements AutoCloseable {
    private static final String NAME = "ublk4j-pool";
    private static final long HUGE_PAGE = 2L << 20;

    private final PoolOptions options;
    private final SharedMemory file;
    private final Arena arena = Arena.ofShared();
    private final MemorySegment memory;
    private final PooledBuffer[] buffers;
    private final FreeIndexes free;

    private final ReentrantLock lock = new ReentrantLock();
    private final List<Attachment> attachments = new ArrayList<>();
    private boolean closed;

    private SharedBufferPool(PoolOptions options, SharedMemory file) {
        this.options = options;
        this.file = file;
        try {
            // What could become smaller would end a server that maps it; what grew, nobody has
            // mapped.
            file.seal(Seal.SHRINK);
            file.seal(Seal.GROW);
            this.memory = file.map(arena, false);
        } catch (Throwable e) {
            arena.close();
            throw e;
        }
        this.free = new FreeIndexes(options.buffers());
        this.buffers = new PooledBuffer[options.buffers()];
        for (int i = 0; i < buffers.length; i++) {
            long at = (long) i * options.bufferBytes();
            buffers[i] = new PooledBuffer(this, i, memory.asSlice(at, options.bufferBytes()));
        }
    }

    /**
     * Makes a pool in huge pages where the machine has enough of them, else in ordinary ones.
     *
     * @param bufferBytes bytes of each buffer, a multiple of the page
     * @param buffers how many
     * @throws LinuxException {@code ENOMEM} or {@code ENOSPC} when there is not so much memory
     */
    public static SharedBufferPool create(int bufferBytes, int buffers) {
        return create(PoolOptions.of(bufferBytes, buffers));
    }

    /**
     * Makes a pool.
     *
     * @throws LinuxException {@code ENOMEM} or {@code ENOSPC} when there is not so much memory
     */
    public static SharedBufferPool create(PoolOptions options) {
        SharedMemory file = file(options);
        try {
            return new SharedBufferPool(options, file);
        } catch (Throwable e) {
            file.close();
            throw e;
        }
    }

    private static SharedMemory file(PoolOptions options) {
        if (options.hugePages()) {
            long length = (options.bytes() + HUGE_PAGE - 1) & -HUGE_PAGE;
            try {
                return reserved(SharedMemory.createHuge(NAME, length, HUGE_PAGE));
            } catch (LinuxException e) {
                // Too few huge pages, or none: whichever it is, ordinary pages will do.
                return reserved(SharedMemory.create(NAME, options.bytes()));
            }
        }
        return reserved(SharedMemory.create(NAME, options.bytes()));
    }

    private static SharedMemory reserved(SharedMemory file) {
        try {
            file.reserve();
            return file;
        } catch (Throwable e) {
            file.close();
            throw e;
        }
    }

    /**
     * Attaches the pool to a block device of this machine, such as {@code /dev/ublkb0}.
     *
     * <p>Never fails for want of sharing: {@link Attachment#isShared} tells, and {@link
     * Attachment#refusal} why not.
     */
    public Attachment attach(Path device) {
        return attach(BlockDevice.at(device));
    }

    /** Attaches the pool to a block device; see {@link #attach(Path)}. */
    public Attachment attach(BlockDevice device) {
        Attachment attachment = new Attachment(this, device);
        lock.lock();
        try {
            checkOpen();
            attachments.add(attachment);
        } finally {
            lock.unlock();
        }
        attachment.share();
        return attachment;
    }

    void detached(Attachment attachment) {
        lock.lock();
        try {
            attachments.remove(attachment);
        } finally {
            lock.unlock();
        }
    }

    /**
     * {@return a buffer, the caller's until it is released}
     *
     * @throws PoolExhaustedException when all are checked out
     */
    public PooledBuffer acquire() {
        PooledBuffer buffer = acquireOrNull();
        if (buffer == null) {
            throw new PoolExhaustedException("every buffer is in use: " + this);
        }
        return buffer;
    }

    /** {@return a buffer, the caller's until it is released, or null when all are checked out} */
    public @Nullable PooledBuffer acquireOrNull() {
        int index = free.take();
        if (index < 0) {
            return null;
        }
        PooledBuffer buffer = buffers[index];
        buffer.checkOut();
        return buffer;
    }

    void free(int index) {
        free.give(index);
    }

    /** {@return a buffer by its number} */
    PooledBuffer buffer(int index) {
        return buffers[index];
    }

    /** {@return how many buffers there are, checked out or not} */
    public int buffers() {
        return buffers.length;
    }

    /** {@return bytes of each buffer} */
    public int bufferBytes() {
        return options.bufferBytes();
    }

    /** {@return bytes of the pages that the pool is made of, huge ones if there were any} */
    public long pageSize() {
        return file.pageSize();
    }

    /**
     * {@return whether the pool is attached, and every device it is attached to works in its
     * memory}
     */
    public boolean isShared() {
        lock.lock();
        try {
            return !attachments.isEmpty() && attachments.stream().allMatch(Attachment::isShared);
        } finally {
            lock.unlock();
        }
    }

    SharedMemory file() {
        return file;
    }

    MemorySegment memory() {
        return memory;
    }

    private void checkOpen() {
        if (closed) {
            throw new IllegalStateException("the pool is closed");
        }
    }

    /**
     * Detaches the pool from its devices and frees the memory. A second call does nothing.
     *
     * @throws PoolInUseException when a channel is open, so that requests may be under way; nothing
     *     is freed then
     */
    @Override
    public void close() {
        lock.lock();
        try {
            if (closed) {
                return;
            }
            // All of them first: none is detached when one cannot be.
            attachments.forEach(Attachment::requireIdle);
            List.copyOf(attachments).forEach(Attachment::close);
            closed = true;
        } finally {
            lock.unlock();
        }
        arena.close();
        file.close();
    }

    @Override
    public String toString() {
        return "pool of %d buffers of %d bytes".formatted(options.buffers(), options.bufferBytes());
    }
}
