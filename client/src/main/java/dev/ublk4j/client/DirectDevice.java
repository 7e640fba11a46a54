package dev.ublk4j.client;

import dev.ublk4j.linux.Fd;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.uring.CompletionHandler;
import dev.ublk4j.uring.IoUring;
import dev.ublk4j.uring.Ring;
import dev.ublk4j.uring.RingOptions;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;

/**
 * A block device or file that one thread reads and writes with {@code O_DIRECT}, many requests at a
 * time.
 *
 * <p>Requests are prepared by {@link #read}, {@link #write} and {@link #flush}, sent by {@link
 * #run}, and end at its handler with their bytes or a negative errno. Memory, offset and length
 * must be aligned as the device wants it, which a page always is, and the memory must stay until
 * the request has ended. Nothing on this way allocates.
 */
public final class DirectDevice implements AutoCloseable {
    /** {@code BLKGETSIZE64} of {@code linux/fs.h}. */
    private static final long BLKGETSIZE64 = 0x80081272L;

    private static final int FILE = 0;

    private final Fd fd;
    private final Ring ring;

    private DirectDevice(Fd fd, Ring ring) {
        this.fd = fd;
        this.ring = ring;
    }

    /**
     * Opens a device for the calling thread.
     *
     * @param depth how many requests may be under way
     * @throws LinuxException when the device or a ring cannot be opened
     */
    public static DirectDevice open(Path path, int depth) {
        Fd fd = Fd.open(path, Fd.O_RDWR | Fd.O_DIRECT);
        try {
            Ring ring = Ring.open(RingOptions.defaults().withEntries(depth));
            try {
                ring.registerFiles(new int[] {fd.number()});
                return new DirectDevice(fd, ring);
            } catch (RuntimeException e) {
                ring.close();
                throw e;
            }
        } catch (RuntimeException e) {
            fd.close();
            throw e;
        }
    }

    /**
     * {@return the size of the block device in bytes}
     *
     * @throws LinuxException {@code ENOTTY} when it is a file
     */
    public long size() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment size = arena.allocate(ValueLayout.JAVA_LONG);
            LinuxException.check("BLKGETSIZE64", fd.name(), fd.ioctl(BLKGETSIZE64, size));
            return size.get(ValueLayout.JAVA_LONG, 0);
        }
    }

    /**
     * Prepares a read.
     *
     * @param address where the data goes
     * @param length bytes
     * @param offset first byte on the device
     * @param userData names the request to the handler
     */
    public void read(long address, int length, long offset, long userData) {
        ring.read(FILE, address, length, offset, userData);
        ring.setSqeFlags(IoUring.IOSQE_FIXED_FILE);
    }

    /**
     * Prepares a write.
     *
     * @param address where the data is
     * @param length bytes
     * @param offset first byte on the device
     * @param userData names the request to the handler
     */
    public void write(long address, int length, long offset, long userData) {
        ring.write(FILE, address, length, offset, userData);
        ring.setSqeFlags(IoUring.IOSQE_FIXED_FILE);
    }

    /**
     * Prepares a flush of everything that has been written; it waits for nothing that is under way.
     */
    public void flush(long userData) {
        ring.fsync(FILE, true, userData);
        ring.setSqeFlags(IoUring.IOSQE_FIXED_FILE);
    }

    /**
     * Sends what is prepared and hands over requests that have ended.
     *
     * @param minimum how many to wait for
     * @return how many were handed over
     */
    public int run(int minimum, CompletionHandler handler) {
        ring.submitAndWait(minimum);
        return ring.drain(handler);
    }

    @Override
    public void close() {
        ring.close();
        fd.close();
    }

    @Override
    public String toString() {
        return fd.name();
    }
}
