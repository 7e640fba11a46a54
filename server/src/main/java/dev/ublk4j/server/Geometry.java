package dev.ublk4j.server;

import dev.ublk4j.uapi.Sectors;
import org.jspecify.annotations.Nullable;

/**
 * The size, the block sizes and the abilities of a device, in bytes throughout.
 *
 * <p>Start from {@link #ofSize} and add what the target can do; each method answers another
 * geometry:
 *
 * {@snippet :
 * Geometry.ofSize(1L << 30).withBlockSize(4096).withVolatileCache().withDiscard(4096);
 * }
 */
public final class Geometry {
    /** The largest range of one discard or one write of zeroes that is asked for. */
    private static final int MAX_RANGE = 1 << 30;

    /** The largest logical block size that the driver takes. */
    private static final int PAGE = 4096;

    /** What the driver takes for no limit: the largest values of its fields. */
    private static final int MOST_SEGMENTS = 0xFFFF;

    private static final long LARGEST_SEGMENT = 0xFFFF_FFFFL;

    private final long size;
    private int logicalBlockSize = Sectors.SIZE;
    private int physicalBlockSize = 4096;
    private int optimalIo;
    private int maxIo;
    private int dmaAlignment = Sectors.SIZE;
    private int maxSegments;
    private long maxSegmentSize;
    private long segmentBoundary;
    private boolean readOnly;
    private boolean rotational;
    private boolean volatileCache;
    private boolean forcedUnitAccess;
    private int discardGranularity;
    private int maxWriteZeroes;
    private @Nullable ZoneLimits zones;
    private @Nullable IntegrityFormat integrity;

    private Geometry(long size) {
        this.size = size;
    }

    private Geometry(Geometry other) {
        this(other, other.size);
    }

    private Geometry(Geometry other, long newSize) {
        size = newSize;
        logicalBlockSize = other.logicalBlockSize;
        physicalBlockSize = other.physicalBlockSize;
        optimalIo = other.optimalIo;
        maxIo = other.maxIo;
        dmaAlignment = other.dmaAlignment;
        maxSegments = other.maxSegments;
        maxSegmentSize = other.maxSegmentSize;
        segmentBoundary = other.segmentBoundary;
        readOnly = other.readOnly;
        rotational = other.rotational;
        volatileCache = other.volatileCache;
        forcedUnitAccess = other.forcedUnitAccess;
        discardGranularity = other.discardGranularity;
        maxWriteZeroes = other.maxWriteZeroes;
        zones = other.zones;
        integrity = other.integrity;
    }

    /**
     * {@return a device of 512-byte blocks that reads and writes}
     *
     * @param bytes its size, a multiple of 512
     * @throws IllegalArgumentException for another size
     */
    public static Geometry ofSize(long bytes) {
        return new Geometry(bytes).checked();
    }

    /**
     * {@return the same with another size}
     *
     * @throws IllegalArgumentException when it is no multiple of the logical block size
     */
    public Geometry withSize(long bytes) {
        return new Geometry(this, bytes).checked();
    }

    /**
     * {@return the same with another logical block size, the smallest unit that can be addressed}
     */
    public Geometry withBlockSize(int bytes) {
        Geometry geometry = new Geometry(this);
        geometry.logicalBlockSize = bytes;
        geometry.physicalBlockSize = Math.max(bytes, physicalBlockSize);
        return geometry.checked();
    }

    /** {@return the same with another physical block size, the smallest unit written at one go} */
    public Geometry withPhysicalBlockSize(int bytes) {
        Geometry geometry = new Geometry(this);
        geometry.physicalBlockSize = bytes;
        return geometry.checked();
    }

    /** {@return the same with a size of request that suits the device best} */
    public Geometry withOptimalIo(int bytes) {
        Geometry geometry = new Geometry(this);
        geometry.optimalIo = bytes;
        return geometry.checked();
    }

    /**
     * {@return the same with a largest request; without one it is what the device's buffers hold}
     */
    public Geometry withMaxIo(int bytes) {
        Geometry geometry = new Geometry(this);
        geometry.maxIo = bytes;
        return geometry.checked();
    }

    /** {@return the same for data that must be so aligned in memory, a power of two} */
    public Geometry withDmaAlignment(int bytes) {
        Geometry geometry = new Geometry(this);
        geometry.dmaAlignment = bytes;
        return geometry.checked();
    }

    /**
     * {@return the same with a largest number of segments of memory that a request's data lies in}
     *
     * @param count 1 to 65,535
     */
    public Geometry withMaxSegments(int count) {
        if (count < 1 || count > MOST_SEGMENTS) {
            throw new IllegalArgumentException(
                    "number of segments is not between 1 and %d: %d"
                            .formatted(MOST_SEGMENTS, count));
        }
        Geometry geometry = new Geometry(this);
        geometry.maxSegments = count;
        return geometry.checked();
    }

    /**
     * {@return the same with a largest segment of memory that a request's data lies in}
     *
     * @param bytes a page or more, below 4 GiB
     */
    public Geometry withMaxSegmentSize(long bytes) {
        if (bytes < PAGE || bytes > LARGEST_SEGMENT) {
            throw new IllegalArgumentException(
                    "size of a segment is not between %d and %d: %d"
                            .formatted(PAGE, LARGEST_SEGMENT, bytes));
        }
        Geometry geometry = new Geometry(this);
        geometry.maxSegmentSize = bytes;
        return geometry.checked();
    }

    /**
     * {@return the same for data of which no segment crosses a multiple of some bytes in memory}
     *
     * @param bytes a power of two, a page or more
     */
    public Geometry withSegmentBoundary(long bytes) {
        if (bytes < PAGE || Long.bitCount(bytes) != 1) {
            throw new IllegalArgumentException(
                    "segment boundary is not a power of two, at least %d: %d"
                            .formatted(PAGE, bytes));
        }
        Geometry geometry = new Geometry(this);
        geometry.segmentBoundary = bytes;
        return geometry.checked();
    }

    /** {@return the same, refusing writes} */
    public Geometry asReadOnly() {
        Geometry geometry = new Geometry(this);
        geometry.readOnly = true;
        return geometry;
    }

    /** {@return the same, where seeking costs} */
    public Geometry asRotational() {
        Geometry geometry = new Geometry(this);
        geometry.rotational = true;
        return geometry;
    }

    /** {@return the same with completed writes that may be lost until {@link Operation#FLUSH}} */
    public Geometry withVolatileCache() {
        Geometry geometry = new Geometry(this);
        geometry.volatileCache = true;
        return geometry;
    }

    /**
     * {@return the same with a volatile cache that {@linkplain Request#forcesUnitAccess a write may
     * bypass}}
     */
    public Geometry withForcedUnitAccess() {
        Geometry geometry = withVolatileCache();
        geometry.forcedUnitAccess = true;
        return geometry;
    }

    /**
     * {@return the same, taking {@link Operation#DISCARD}}
     *
     * @param granularity the unit of space that can be forgotten, in bytes
     */
    public Geometry withDiscard(int granularity) {
        Geometry geometry = new Geometry(this);
        geometry.discardGranularity = granularity;
        return geometry.checked();
    }

    /** {@return the same, taking {@link Operation#WRITE_ZEROES}} */
    public Geometry withWriteZeroes() {
        Geometry geometry = new Geometry(this);
        geometry.maxWriteZeroes = MAX_RANGE;
        return geometry;
    }

    /**
     * {@return the same in zones, which the ability {@link Zoned} of the target tells of} A whole
     * number of zones is the size.
     */
    public Geometry withZones(ZoneLimits limits) {
        Geometry geometry = new Geometry(this);
        geometry.zones = limits;
        return geometry.checked();
    }

    /**
     * {@return the same with integrity metadata, which the target keeps with the data, see {@link
     * Request#hasMetadata}} Its device is served in the mode {@link Mode.Data#USER_COPY}.
     */
    public Geometry withIntegrity(IntegrityFormat format) {
        Geometry geometry = new Geometry(this);
        geometry.integrity = format;
        return geometry.checked();
    }

    private Geometry checked() {
        requirePowerOfTwo("logical block size", logicalBlockSize, Sectors.SIZE);
        if (logicalBlockSize > PAGE) {
            throw new IllegalArgumentException(
                    "logical block size is more than a page: " + logicalBlockSize);
        }
        requirePowerOfTwo("physical block size", physicalBlockSize, logicalBlockSize);
        requirePowerOfTwo("DMA alignment", dmaAlignment, 1);
        requirePowerOfTwoOrNone("optimal I/O", optimalIo, logicalBlockSize);
        requirePowerOfTwoOrNone("discard granularity", discardGranularity, logicalBlockSize);
        if (size <= 0) {
            throw new IllegalArgumentException("size is not positive: " + size);
        }
        requireMultiple("size", size);
        requireMultiple("largest I/O", maxIo);
        ZoneLimits limits = zones;
        if (limits != null) {
            limits.requireFit(size);
        }
        IntegrityFormat format = integrity;
        if (format != null && limits != null) {
            throw new IllegalArgumentException("no driver has zones with metadata");
        }
        if (format != null) {
            format.requireFit(logicalBlockSize);
        }
        return this;
    }

    private static void requirePowerOfTwo(String what, int value, int minimum) {
        if (Integer.bitCount(value) != 1 || value < minimum) {
            throw new IllegalArgumentException(
                    "%s is not a power of two, at least %d: %d".formatted(what, minimum, value));
        }
    }

    private static void requirePowerOfTwoOrNone(String what, int value, int minimum) {
        if (value != 0) {
            requirePowerOfTwo(what, value, minimum);
        }
    }

    private void requireMultiple(String what, long value) {
        if (value < 0 || value % logicalBlockSize != 0) {
            throw new IllegalArgumentException(
                    "%s is not a multiple of the logical block size, %d: %d"
                            .formatted(what, logicalBlockSize, value));
        }
    }

    /** {@return the size of the device} */
    public long size() {
        return size;
    }

    /** {@return the smallest unit that can be addressed} */
    public int logicalBlockSize() {
        return logicalBlockSize;
    }

    /** {@return the smallest unit that is written at one go} */
    public int physicalBlockSize() {
        return physicalBlockSize;
    }

    /** {@return the size of request that suits the device best, or 0} */
    public int optimalIo() {
        return optimalIo;
    }

    /** {@return the largest request, or 0 for what the device's buffers hold} */
    public int maxIo() {
        return maxIo;
    }

    /** {@return what a request's data must be aligned to in memory} */
    public int dmaAlignment() {
        return dmaAlignment;
    }

    /** {@return the most segments of memory that a request's data lies in, or 0 for no limit} */
    public int maxSegments() {
        return maxSegments;
    }

    /** {@return the largest segment of memory, or 0 for no limit} */
    public long maxSegmentSize() {
        return maxSegmentSize;
    }

    /** {@return the bytes of memory a multiple of which no segment crosses, or 0 for none} */
    public long segmentBoundary() {
        return segmentBoundary;
    }

    /** {@return whether segments are limited in any way} */
    boolean limitsSegments() {
        return maxSegments != 0 || maxSegmentSize != 0 || segmentBoundary != 0;
    }

    /** {@return whether writes are refused} */
    public boolean readOnly() {
        return readOnly;
    }

    /** {@return whether seeking costs} */
    public boolean rotational() {
        return rotational;
    }

    /** {@return whether a completed write may be lost before the next flush} */
    public boolean volatileCache() {
        return volatileCache;
    }

    /** {@return whether a single write can be made durable} */
    public boolean forcedUnitAccess() {
        return forcedUnitAccess;
    }

    /** {@return the unit of space that can be forgotten, or 0 where none can} */
    public int discardGranularity() {
        return discardGranularity;
    }

    /** {@return the largest discard, or 0 where there is none} */
    public int maxDiscard() {
        return discardGranularity == 0 ? 0 : MAX_RANGE;
    }

    /** {@return the largest write of zeroes, or 0 where there is none} */
    public int maxWriteZeroes() {
        return maxWriteZeroes;
    }

    /** {@return what its zones are like, or null for a device without zones} */
    public @Nullable ZoneLimits zones() {
        return zones;
    }

    /** {@return what its integrity metadata is like, or null for none} */
    public @Nullable IntegrityFormat integrity() {
        return integrity;
    }

    @Override
    public String toString() {
        return "%d bytes, blocks of %d".formatted(size, logicalBlockSize);
    }
}
