package dev.ublk4j.crash;

/**
 * What a disk promises of its data when the power goes. The default is the weakest disk that the
 * kernel's block layer works with, and the one to test with.
 *
 * <p>The model is that of the kernel's document <i>Explicit volatile write back cache control</i>
 * ({@code Documentation/block/writeback_cache_control.rst}): a flush that has completed makes
 * durable every write that had completed when the flush was sent; a write with {@code FUA} is
 * durable when it completes; there is no other order. Of what is not durable any part may survive,
 * in units that a disk writes as a whole.
 */
public final class DiskModel {
    /** What a disk does with a write that has completed and was not flushed. */
    enum Cache {
        VOLATILE,
        ORDERED,
        NONE
    }

    static final int SECTOR = 512;

    private final Cache cache;
    private final int atomicUnit;

    private DiskModel(Cache cache, int atomicUnit) {
        this.cache = cache;
        this.atomicUnit = atomicUnit;
    }

    /** {@return a disk whose cache may lose what was not flushed, any of it} */
    public static DiskModel volatileCache() {
        return new DiskModel(Cache.VOLATILE, SECTOR);
    }

    /**
     * {@return a disk whose cache is written back in order} Of the writes that were not flushed the
     * first ones survive, up to one that may be torn.
     */
    public static DiskModel orderedCache() {
        return new DiskModel(Cache.ORDERED, SECTOR);
    }

    /** {@return a disk that loses nothing once it has completed} */
    public static DiskModel noCache() {
        return new DiskModel(Cache.NONE, SECTOR);
    }

    /**
     * {@return the same with another unit that survives whole or not at all} It is 512 bytes
     * otherwise, the sector. A unit begins at a multiple of its size.
     *
     * @param bytes a power of two, at least 512
     * @throws IllegalArgumentException for another
     */
    public DiskModel tearingAt(int bytes) {
        if (bytes < SECTOR || Integer.bitCount(bytes) != 1) {
            throw new IllegalArgumentException(
                    "a disk tears at a power of two, at least 512 bytes: " + bytes);
        }
        return new DiskModel(cache, bytes);
    }

    /** {@return the same, where every write survives whole or not at all} */
    public DiskModel untorn() {
        return new DiskModel(cache, Integer.MAX_VALUE);
    }

    Cache cache() {
        return cache;
    }

    /** {@return bytes that survive together; more than any write where none is torn} */
    int atomicUnit() {
        return atomicUnit;
    }

    @Override
    public String toString() {
        String how =
                switch (cache) {
                    case VOLATILE -> "volatile cache";
                    case ORDERED -> "ordered cache";
                    case NONE -> "no cache";
                };
        return how + (atomicUnit == Integer.MAX_VALUE ? ", untorn" : ", tears at " + atomicUnit);
    }
}
