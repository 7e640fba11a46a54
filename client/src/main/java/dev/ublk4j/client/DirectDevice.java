package dev.ublk4j.client;

import dev.ublk4j.linux.Fd;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.linux.internal.FileStatus;
import dev.ublk4j.linux.internal.LockedMemory;
import dev.ublk4j.uring.CompletionHandler;
import dev.ublk4j.uring.IoUring;
import dev.ublk4j.uring.Ring;
import dev.ublk4j.uring.RingOptions;
import java.lang.System.Logger.Level;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;

/**
 * A block device or file that one thread reads and writes with {@code O_DIRECT} over an io_uring.
 * Nothing on this way allocates.
 */
public final class DirectDevice implements BlockAccess {
    /** {@code BLKGETSIZE64} of {@code linux/fs.h}. */
    private static final long BLKGETSIZE64 = 0x80081272L;

    private static final System.Logger LOG = System.getLogger(DirectDevice.class.getName());

    private static final int FILE = 0;
    private static final MemorySegment NONE = MemorySegment.NULL;

    private final Fd fd;
    private final Ring ring;
    private final FixedMemory fixed;

    private DirectDevice(Fd fd, Ring ring, FixedMemory fixed) {
        this.fd = fd;
        this.ring = ring;
        this.fixed = fixed;
    }

    /**
     * Opens a device for the calling thread.
     *
     * @param depth how many requests are sent at a time
     * @throws LinuxException when the device or a ring cannot be opened
     */
    public static DirectDevice open(Path path, int depth) {
        return open(path, depth, NONE);
    }

    /**
     * Opens a device for the calling thread, whose requests have their data in certain memory as a
     * rule: the kernel then finds and pins its pages once, instead of for each request. Where the
     * process may not pin so much ({@code RLIMIT_MEMLOCK}), or the memory must not be written, it
     * does so for each request.
     *
     * @param depth how many requests are sent at a time
     * @param memory page aligned; it stays mapped until the device is closed
     * @throws LinuxException when the device or a ring cannot be opened
     */
    public static DirectDevice open(Path path, int depth, MemorySegment memory) {
        Fd fd = Fd.open(path, Fd.O_RDWR | Fd.O_DIRECT);
        try {
            Ring ring = Ring.open(RingOptions.defaults().withEntries(depth));
            try {
                ring.registerFiles(new int[] {fd.number()});
                return new DirectDevice(fd, ring, FixedMemory.register(ring, memory));
            } catch (Throwable e) {
                ring.close();
                throw e;
            }
        } catch (Throwable e) {
            fd.close();
            throw e;
        }
    }

    /** {@return the size of the block device, or the length of the file, in bytes} */
    @Override
    public long size() {
        FileStatus status = FileStatus.of(fd);
        return status.isRegular() ? status.size() : blockDeviceSize();
    }

    private long blockDeviceSize() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment size = arena.allocate(ValueLayout.JAVA_LONG);
            LinuxException.check("BLKGETSIZE64", fd.name(), fd.ioctl(BLKGETSIZE64, size));
            return size.get(ValueLayout.JAVA_LONG, 0);
        }
    }

    /** {@return whether the kernel keeps the memory that the device was opened with pinned} */
    public boolean hasFixedMemory() {
        return fixed.length() > 0;
    }

    @Override
    public void read(long address, int length, long offset, long userData) {
        int buffer = fixed.indexOf(address, length);
        if (buffer < 0) {
            ring.read(FILE, address, length, offset, userData);
        } else {
            ring.readFixed(FILE, address, length, offset, buffer, userData);
        }
        ring.setSqeFlags(IoUring.IOSQE_FIXED_FILE);
    }

    @Override
    public void write(long address, int length, long offset, long userData) {
        int buffer = fixed.indexOf(address, length);
        if (buffer < 0) {
            ring.write(FILE, address, length, offset, userData);
        } else {
            ring.writeFixed(FILE, address, length, offset, buffer, userData);
        }
        ring.setSqeFlags(IoUring.IOSQE_FIXED_FILE);
    }

    @Override
    public void flush(long userData) {
        ring.fsync(FILE, true, userData);
        ring.setSqeFlags(IoUring.IOSQE_FIXED_FILE);
    }

    @Override
    public int run(int minimum, CompletionHandler handler) {
        ring.submitAndWait(minimum);
        return ring.drain(handler);
    }

    @Override
    public int run(int minimum, long timeoutNanos, CompletionHandler handler) {
        ring.submitAndWait(minimum, timeoutNanos);
        return ring.drain(handler);
    }

    @Override
    public void close() {
        // The kernel takes a closed ring down some time later, and what it has registered with it.
        if (fixed.length() > 0) {
            ring.unregisterBuffers();
        }
        ring.close();
        fd.close();
    }

    @Override
    public String toString() {
        return fd.name();
    }

    /**
     * Memory that is registered with a ring, in as many buffers as their largest length takes.
     *
     * @param address of the first byte
     * @param length bytes; 0 when nothing is registered
     */
    private record FixedMemory(long address, long length) {
        /** The longest buffer that a ring takes is 1 GiB. */
        private static final int SHIFT = 30;

        static FixedMemory register(Ring ring, MemorySegment memory) {
            int count = (int) ((memory.byteSize() + (1L << SHIFT) - 1) >>> SHIFT);
            MemorySegment[] buffers = new MemorySegment[count];
            for (int i = 0; i < count; i++) {
                long at = (long) i << SHIFT;
                buffers[i] = memory.asSlice(at, Math.min(1L << SHIFT, memory.byteSize() - at));
            }
            if (count > 0) {
                try {
                    ring.registerBuffers(buffers);
                } catch (LinuxException e) {
                    LOG.log(
                            Level.DEBUG,
                            () ->
                                    "memory is not pinned: %s (%s)"
                                            .formatted(e.getMessage(), LockedMemory.remedy()));
                    return new FixedMemory(0, 0);
                }
            }
            return new FixedMemory(memory.address(), memory.byteSize());
        }

        /** {@return which buffer has all of a range, or -1 when none has} */
        int indexOf(long first, int bytes) {
            long at = first - address;
            if (at < 0 || at + bytes > length) {
                return -1;
            }
            int index = (int) (at >>> SHIFT);
            return index == (at + bytes - 1) >>> SHIFT ? index : -1;
        }
    }
}
