package dev.ublk4j.embedded.block;

import dev.ublk4j.linux.Pages;
import dev.ublk4j.uapi.IoOp;
import java.util.Arrays;

/**
 * An operation on a disk: what to do, where on the disk, and where in memory the data is.
 *
 * <p>It is made to be filled again, and allocates only when it has more segments than ever before.
 * One thread at a time.
 */
public final class Bio {
    private final Segments segments = new Segments(4);
    private long[] addresses = new long[4];
    private boolean framesKnown;
    private int op;
    private int flags;
    private long position;
    private long length;
    private int zones;
    private long appended;
    private long metadataAddress;
    private long metadataBytes;

    /**
     * Begins another operation, without data so far.
     *
     * @param newOp {@code UBLK_IO_OP_...}
     * @param newFlags {@code UBLK_IO_F_...}
     * @param newPosition where on the disk, bytes
     * @param newLength bytes of the disk; 0 where the data tells
     */
    public void begin(int newOp, int newFlags, long newPosition, long newLength) {
        op = newOp;
        flags = newFlags;
        position = newPosition;
        length = newLength;
        zones = 0;
        appended = 0;
        metadataAddress = 0;
        metadataBytes = 0;
        segments.clear();
        framesKnown = true;
    }

    /** Adds flags of the descriptor. */
    public void addFlags(int more) {
        flags |= more;
    }

    /**
     * Adds the next segment of the data, whose frames follow each other as its addresses do.
     *
     * @param address where this process finds the bytes
     * @param frame the first page frame, or a negative number when it is not known
     * @param offset where in the frame, bytes below the page size
     * @param bytes how many, at least 1
     */
    public void add(long address, long frame, int offset, int bytes) {
        int index = segments.count();
        if (frame >= 0) {
            segments.add(frame, offset, bytes);
        } else {
            // Addresses stand in for frames: they are as aligned and as contiguous.
            framesKnown = false;
            segments.add(address >>> Pages.SHIFT, (int) (address & (Pages.SIZE - 1)), bytes);
        }
        if (index == addresses.length) {
            addresses = Arrays.copyOf(addresses, 2 * index);
        }
        addresses[index] = address;
        length += bytes;
    }

    /**
     * Sets where the integrity metadata is, in one piece.
     *
     * @param bytes how many; 0 for none
     */
    public void metadata(long address, long bytes) {
        metadataAddress = address;
        metadataBytes = bytes;
    }

    /** {@return where this process finds the integrity metadata} */
    public long metadataAddress() {
        return metadataAddress;
    }

    /** {@return the bytes of memory for integrity metadata, 0 without any} */
    public long metadataBytes() {
        return metadataBytes;
    }

    /** {@return the operation, {@code UBLK_IO_OP_...}} */
    public int op() {
        return op;
    }

    /** {@return the flags of the descriptor, {@code UBLK_IO_F_...}} */
    public int flags() {
        return flags;
    }

    /** {@return where on the disk, bytes} */
    public long position() {
        return position;
    }

    /** {@return how many bytes of the disk the operation is about} */
    public long length() {
        return length;
    }

    /** {@return how many zones are asked for, of a report} */
    public int zones() {
        return zones;
    }

    /** Sets how many zones are asked for. */
    public void zones(int count) {
        zones = count;
    }

    /** {@return the sector where a zone append has put its data, when it is done} */
    public long appended() {
        return appended;
    }

    /** Notes where a zone append has put its data. */
    public void appended(long sector) {
        appended = sector;
    }

    /** {@return whether the frames of all segments are known} */
    public boolean framesKnown() {
        return framesKnown;
    }

    /** {@return where the data lies, by frame} */
    public Segments segments() {
        return segments;
    }

    /** {@return where this process finds the data of a segment} */
    public long address(int segment) {
        return addresses[segment];
    }

    @Override
    public String toString() {
        return "%s of %d bytes at %d".formatted(IoOp.name(op), length, position);
    }
}
