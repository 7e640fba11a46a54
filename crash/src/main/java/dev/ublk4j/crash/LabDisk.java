package dev.ublk4j.crash;

/**
 * A disk as the program under test sees it: blocks that are read and written, and a cache that is
 * flushed. Positions and lengths are in bytes, whole blocks of {@link #blockSize}. Each call waits;
 * any number of threads.
 *
 * <p>A call that the disk cannot do throws a {@link dev.ublk4j.linux.LinuxException} with the
 * errno.
 */
public interface LabDisk {
    /** {@return bytes on the disk} */
    long size();

    /** {@return the unit of positions and lengths, in bytes} */
    int blockSize();

    /** {@return what is on a range of the disk} */
    byte[] read(long position, int length);

    /** Writes to the disk, which may lose it until the next {@link #flush}. */
    void write(long position, byte[] data);

    /** Writes to the disk past its cache ({@code FUA}): on return the data is durable. */
    void writeThrough(long position, byte[] data);

    /** Makes every write that has returned durable. */
    void flush();

    /** Forgets a range: it reads as it was, or as zeroes. */
    void discard(long position, long length);

    /** Fills a range with zeroes, which the disk may lose until the next {@link #flush}. */
    void writeZeroes(long position, long length);
}
