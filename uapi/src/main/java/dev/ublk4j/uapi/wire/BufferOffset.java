package dev.ublk4j.uapi.wire;

import dev.ublk4j.uapi.DeviceInfo;
import dev.ublk4j.uapi.Feature;

/**
 * Offsets in the character device: descriptors are mapped at one end, the data of requests is read
 * and written at the other ({@link Feature#USER_COPY}).
 *
 * <p>Above {@link #UBLKSRV_IO_BUF_OFFSET} an offset is made of the byte in the request (25 bits),
 * the tag (16 bits) and the queue (12 bits); bit 62 asks for integrity metadata instead of data.
 */
public final class BufferOffset {
    /** Where the descriptors of queue 0 are mapped. */
    public static final long UBLKSRV_CMD_BUF_OFFSET = 0;

    /** Where the data of requests begins. */
    public static final long UBLKSRV_IO_BUF_OFFSET = 0x8000_0000L;

    /** The most tags of a queue. */
    public static final int UBLK_MAX_QUEUE_DEPTH = 4096;

    /** Where the bits of the byte begin. */
    public static final int UBLK_IO_BUF_OFF = 0;

    /** The bits of the byte: requests are at most 32 MiB. */
    public static final int UBLK_IO_BUF_BITS = 25;

    /** The bits of the byte, shifted down. */
    public static final long UBLK_IO_BUF_BITS_MASK = (1L << UBLK_IO_BUF_BITS) - 1;

    /** Where the bits of the tag begin. */
    public static final int UBLK_TAG_OFF = UBLK_IO_BUF_BITS;

    /** The bits of the tag. */
    public static final int UBLK_TAG_BITS = 16;

    /** The bits of the tag, shifted down. */
    public static final long UBLK_TAG_BITS_MASK = (1L << UBLK_TAG_BITS) - 1;

    /** Where the bits of the queue begin. */
    public static final int UBLK_QID_OFF = UBLK_TAG_OFF + UBLK_TAG_BITS;

    /** The bits of the queue. */
    public static final int UBLK_QID_BITS = 12;

    /** The bits of the queue, shifted down. */
    public static final long UBLK_QID_BITS_MASK = (1L << UBLK_QID_BITS) - 1;

    /** The most queues of a device. */
    public static final int UBLK_MAX_NR_QUEUES = 1 << UBLK_QID_BITS;

    /** The bits of byte, tag and queue. */
    public static final int UBLKSRV_IO_BUF_TOTAL_BITS = UBLK_QID_OFF + UBLK_QID_BITS;

    /** The bytes that offsets of data span. */
    public static final long UBLKSRV_IO_BUF_TOTAL_SIZE = 1L << UBLKSRV_IO_BUF_TOTAL_BITS;

    /** The bit that asks for integrity metadata. */
    public static final int UBLK_INTEGRITY_FLAG_OFF = 62;

    /** The bit that asks for integrity metadata, as a value. */
    public static final long UBLKSRV_IO_INTEGRITY_FLAG = 1L << UBLK_INTEGRITY_FLAG_OFF;

    private BufferOffset() {}

    /**
     * {@return the offset in the character device of a request's data}
     *
     * @param queue the queue
     * @param tag the tag
     * @param bytes bytes from the start of the request, below 32 MiB
     */
    public static long of(int queue, int tag, long bytes) {
        assert queue >>> UBLK_QID_BITS == 0 && tag >>> UBLK_TAG_BITS == 0 : queue + ", " + tag;
        assert bytes >>> UBLK_IO_BUF_BITS == 0 : bytes;
        return UBLKSRV_IO_BUF_OFFSET
                + ((long) queue << UBLK_QID_OFF | (long) tag << UBLK_TAG_OFF | bytes);
    }

    /** {@return as {@link #of}, for the request's integrity metadata} */
    public static long ofIntegrity(int queue, int tag, long bytes) {
        return of(queue, tag, bytes) | UBLKSRV_IO_INTEGRITY_FLAG;
    }

    /** {@return the queue of an offset} */
    public static int queue(long offset) {
        return (int) ((offset - UBLKSRV_IO_BUF_OFFSET) >>> UBLK_QID_OFF & UBLK_QID_BITS_MASK);
    }

    /** {@return the tag of an offset} */
    public static int tag(long offset) {
        return (int) ((offset - UBLKSRV_IO_BUF_OFFSET) >>> UBLK_TAG_OFF & UBLK_TAG_BITS_MASK);
    }

    /** {@return the bytes from the start of the request} */
    public static long bytes(long offset) {
        return (offset - UBLKSRV_IO_BUF_OFFSET) & UBLK_IO_BUF_BITS_MASK;
    }

    /** {@return whether an offset is one of integrity metadata} */
    public static boolean isIntegrity(long offset) {
        return (offset & UBLKSRV_IO_INTEGRITY_FLAG) != 0;
    }

    /**
     * {@return the bytes of a queue's descriptors as they are mapped: whole pages}
     *
     * @param depth tags of the queue
     * @param ioDescSize the device's {@link DeviceInfo#descriptorStride()}, bytes
     * @param pageSize bytes of a page
     */
    public static long descriptorBytes(int depth, int ioDescSize, int pageSize) {
        long bytes = (long) depth * ioDescSize;
        return (bytes + pageSize - 1) / pageSize * pageSize;
    }

    /**
     * {@return the offset to map a queue's descriptors at}
     *
     * <p>Queues are as far apart as the deepest queue would need, whatever the device's own depth.
     *
     * @param queue the queue
     * @param ioDescSize the device's {@link DeviceInfo#descriptorStride()}, bytes
     * @param pageSize bytes of a page
     */
    public static long descriptors(int queue, int ioDescSize, int pageSize) {
        return UBLKSRV_CMD_BUF_OFFSET
                + queue * descriptorBytes(UBLK_MAX_QUEUE_DEPTH, ioDescSize, pageSize);
    }
}
