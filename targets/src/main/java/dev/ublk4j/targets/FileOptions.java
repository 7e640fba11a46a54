package dev.ublk4j.targets;

import dev.ublk4j.targets.BackingFile.Caching;

/**
 * How a {@link BackingFile} is opened, and which part of the file it is.
 *
 * @param caching whether I/O goes through the page cache
 * @param readOnly whether it is to be read only
 * @param force whether it is taken although somebody else has claimed it, a mount for example
 * @param blockSize bytes of a block; 0 for 512 of a regular file, and what a block device has
 * @param offset where the part begins, in bytes
 * @param size bytes of the part; 0 for all to the end of the file
 * @param locked whether it is locked against other servers
 */
public record FileOptions(
        Caching caching,
        boolean readOnly,
        boolean force,
        int blockSize,
        long offset,
        long size,
        boolean locked) {
    private static final int SECTOR = 512;
    private static final int PAGE = 4096;

    /** Checks what can be checked without the file. */
    public FileOptions {
        if (blockSize != 0
                && (Integer.bitCount(blockSize) != 1 || blockSize < SECTOR || blockSize > PAGE)) {
            throw new IllegalArgumentException(
                    "the block size is not a power of two from %d to %d: %d"
                            .formatted(SECTOR, PAGE, blockSize));
        }
        if (offset < 0 || size < 0) {
            throw new IllegalArgumentException("an offset or a size is negative");
        }
        if (offset % SECTOR != 0) {
            throw new IllegalArgumentException(
                    "an offset of %d bytes is not a multiple of %d".formatted(offset, SECTOR));
        }
    }

    /** {@return a whole file, to be read and written, with blocks as it has them} */
    public static FileOptions of(Caching caching) {
        return new FileOptions(caching, false, false, 0, 0, 0, true);
    }

    /** {@return the same, to be read only or not} */
    public FileOptions withReadOnly(boolean newReadOnly) {
        return new FileOptions(caching, newReadOnly, force, blockSize, offset, size, locked);
    }

    /** {@return the same, whoever else has claimed the file} */
    public FileOptions withForce(boolean newForce) {
        return new FileOptions(caching, readOnly, newForce, blockSize, offset, size, locked);
    }

    /** {@return the same with blocks of another size, 0 for that of the file} */
    public FileOptions withBlockSize(int bytes) {
        return new FileOptions(caching, readOnly, force, bytes, offset, size, locked);
    }

    /**
     * {@return the same for a part of the file}
     *
     * @param from where it begins, a multiple of 512
     * @param bytes its size, 0 for all to the end of the file
     */
    public FileOptions withPart(long from, long bytes) {
        return new FileOptions(caching, readOnly, force, blockSize, from, bytes, locked);
    }

    /**
     * {@return the same, locked against other servers or not} Servers that write one file at the
     * same time destroy its data, unless those who use their devices agree on who writes what.
     */
    public FileOptions withLock(boolean newLocked) {
        return new FileOptions(caching, readOnly, force, blockSize, offset, size, newLocked);
    }
}
