package dev.ublk4j.vhostuser.blk;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_SHORT_UNALIGNED;

import dev.ublk4j.server.Geometry;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * What a client is told of the disk: features, and the configuration space.
 *
 * <pre>{@code
 * struct virtio_blk_config {
 *      0  le64 capacity;                     // sectors
 *      8  le32 size_max, seg_max;
 *     16  struct { le16 cylinders; u8 heads, sectors; } geometry;
 *     20  le32 blk_size;
 *     24  struct { u8 physical_block_exp, alignment_offset; le16 min_io_size; le32 opt_io_size; } topology;
 *     32  u8 writeback, unused0;
 *     34  le16 num_queues;
 *     36  le32 max_discard_sectors, max_discard_seg, discard_sector_alignment;
 *     48  le32 max_write_zeroes_sectors, max_write_zeroes_seg;
 *     56  u8 write_zeroes_may_unmap, unused1[3];
 * };
 * }</pre>
 */
public final class BlkDevice {
    /** There is a most to the segments of a request. */
    public static final long VIRTIO_BLK_F_SEG_MAX = 1L << 2;

    /** Writes are refused. */
    public static final long VIRTIO_BLK_F_RO = 1L << 5;

    /** The size of a block is told. */
    public static final long VIRTIO_BLK_F_BLK_SIZE = 1L << 6;

    /** There is a flush. */
    public static final long VIRTIO_BLK_F_FLUSH = 1L << 9;

    /** The sizes of blocks and of good requests are told. */
    public static final long VIRTIO_BLK_F_TOPOLOGY = 1L << 10;

    /** The client may say whether it flushes, at any time. */
    public static final long VIRTIO_BLK_F_CONFIG_WCE = 1L << 11;

    /** There can be several queues. */
    public static final long VIRTIO_BLK_F_MQ = 1L << 12;

    /** There is a discard. */
    public static final long VIRTIO_BLK_F_DISCARD = 1L << 13;

    /** There is a write of zeroes. */
    public static final long VIRTIO_BLK_F_WRITE_ZEROES = 1L << 14;

    /** Bytes of the configuration that a client can read; those after what is known are 0. */
    public static final int CONFIG_BYTES = 256;

    /**
     * Where the configuration says whether the client has to flush: the one byte that it can set.
     */
    public static final int WRITEBACK = 32;

    /** The longest serial number. */
    public static final int SERIAL_BYTES = 20;

    /** Segments of a request, so many that it fits a ring of 128 without an indirect table. */
    private static final int SEG_MAX = 126;

    private static final int SECTOR = 512;

    private final Geometry geometry;
    private final int queues;
    private final MemorySegment serial;

    /**
     * Describes a disk.
     *
     * @param queues how many virtqueues there can be
     * @param serial what the guest finds under {@code /sys/block/vdX/serial}
     * @throws IllegalArgumentException when the serial number is longer than {@link #SERIAL_BYTES}
     */
    public BlkDevice(Geometry geometry, int queues, String serial) {
        byte[] text = serial.getBytes(StandardCharsets.US_ASCII);
        if (text.length > SERIAL_BYTES) {
            throw new IllegalArgumentException(
                    "a serial number of more than %d bytes: %s".formatted(SERIAL_BYTES, serial));
        }
        this.geometry = geometry;
        this.queues = queues;
        this.serial = MemorySegment.ofArray(Arrays.copyOf(text, SERIAL_BYTES)).asReadOnly();
    }

    /** {@return what the disk is} */
    public Geometry geometry() {
        return geometry;
    }

    /** {@return how many virtqueues there can be} */
    public int queues() {
        return queues;
    }

    /** {@return the serial number, {@link #SERIAL_BYTES}, zeroes after its end} */
    MemorySegment serial() {
        return serial;
    }

    /** {@return the {@code VIRTIO_BLK_F_...} of the disk} */
    public long features() {
        return VIRTIO_BLK_F_SEG_MAX
                | VIRTIO_BLK_F_BLK_SIZE
                | VIRTIO_BLK_F_TOPOLOGY
                | VIRTIO_BLK_F_FLUSH
                | VIRTIO_BLK_F_MQ
                | (geometry.volatileCache() ? VIRTIO_BLK_F_CONFIG_WCE : 0)
                | (geometry.readOnly() ? VIRTIO_BLK_F_RO : 0)
                | (geometry.maxDiscard() != 0 ? VIRTIO_BLK_F_DISCARD : 0)
                | (geometry.maxWriteZeroes() != 0 ? VIRTIO_BLK_F_WRITE_ZEROES : 0);
    }

    /**
     * {@return the configuration, {@link #CONFIG_BYTES}}
     *
     * @param size bytes of the disk as it is now
     * @param writeback whether the client has to flush
     */
    public byte[] config(long size, boolean writeback) {
        byte[] bytes = new byte[CONFIG_BYTES];
        MemorySegment config = MemorySegment.ofArray(bytes);
        int block = geometry.logicalBlockSize();
        config.set(JAVA_LONG_UNALIGNED, 0, size / SECTOR);
        config.set(JAVA_INT_UNALIGNED, 12, SEG_MAX);
        config.set(JAVA_INT_UNALIGNED, 20, block);
        config.set(JAVA_BYTE, 24, (byte) log2(geometry.physicalBlockSize() / block));
        config.set(JAVA_SHORT_UNALIGNED, 26, (short) (geometry.physicalBlockSize() / block));
        config.set(JAVA_INT_UNALIGNED, 28, geometry.optimalIo() / block);
        config.set(JAVA_BYTE, WRITEBACK, (byte) (writeback ? 1 : 0));
        config.set(JAVA_SHORT_UNALIGNED, 34, (short) queues);
        if (geometry.maxDiscard() != 0) {
            config.set(JAVA_INT_UNALIGNED, 36, geometry.maxDiscard() / SECTOR);
            config.set(JAVA_INT_UNALIGNED, 40, 1);
            config.set(JAVA_INT_UNALIGNED, 44, geometry.discardGranularity() / SECTOR);
        }
        if (geometry.maxWriteZeroes() != 0) {
            config.set(JAVA_INT_UNALIGNED, 48, geometry.maxWriteZeroes() / SECTOR);
            config.set(JAVA_INT_UNALIGNED, 52, 1);
            config.set(JAVA_BYTE, 56, (byte) 1);
        }
        return bytes;
    }

    private static int log2(int powerOfTwo) {
        return Integer.numberOfTrailingZeros(powerOfTwo);
    }

    @Override
    public String toString() {
        return "%s, %d queues".formatted(geometry, queues);
    }
}
