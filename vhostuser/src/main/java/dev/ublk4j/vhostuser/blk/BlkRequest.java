package dev.ublk4j.vhostuser.blk;

/** What a request of virtio-blk says, in numbers. */
final class BlkRequest {
    /** Read. */
    static final int VIRTIO_BLK_T_IN = 0;

    /** Write. */
    static final int VIRTIO_BLK_T_OUT = 1;

    /** Make all writes durable. */
    static final int VIRTIO_BLK_T_FLUSH = 4;

    /** Tell the serial number. */
    static final int VIRTIO_BLK_T_GET_ID = 8;

    /** Forget a range. */
    static final int VIRTIO_BLK_T_DISCARD = 11;

    /** Fill a range with zeroes. */
    static final int VIRTIO_BLK_T_WRITE_ZEROES = 13;

    /** Done. */
    static final byte VIRTIO_BLK_S_OK = 0;

    /** Failed. */
    static final byte VIRTIO_BLK_S_IOERR = 1;

    /** There is no such request. */
    static final byte VIRTIO_BLK_S_UNSUPP = 2;

    /** Of a write of zeroes: space may be given back. */
    static final int UNMAP = 1;

    /** {@code struct { le32 type; le32 reserved; le64 sector; }}, before the data. */
    static final int HEADER_BYTES = 16;

    /** Where the sector is in the header. */
    static final int SECTOR_OFFSET = 8;

    /** {@code struct { le64 sector; le32 num_sectors; le32 flags; }}, the data of a discard. */
    static final int RANGE_BYTES = 16;

    private BlkRequest() {}
}
