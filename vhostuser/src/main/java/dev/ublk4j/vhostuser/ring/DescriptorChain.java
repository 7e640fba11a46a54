package dev.ublk4j.vhostuser.ring;

import dev.ublk4j.linux.Pages;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * The memory of one request: pieces that the device reads, then pieces that it writes, all of them
 * found in the client's memory. Filled again for each request.
 */
public final class DescriptorChain {
    /** The most descriptors of a request, those of an indirect table included. */
    public static final int MAX_DESCRIPTORS = 1024;

    /** The most bytes of a request. */
    public static final long MAX_BYTES = Integer.MAX_VALUE;

    /** Pieces that are two, because a descriptor goes over from one region into the next. */
    private static final int MAX_PIECES = MAX_DESCRIPTORS + 512;

    private GuestMemory memory = GuestMemory.NONE;
    private int[] regions = new int[8];
    private long[] guests = new long[8];
    private int[] lengths = new int[8];
    private int count;
    private int readable;
    private long readableBytes;
    private long writableBytes;
    private int hint;

    /** Begins a chain in this memory. */
    void begin(GuestMemory in) {
        memory = in;
        count = 0;
        readable = 0;
        readableBytes = 0;
        writableBytes = 0;
    }

    /**
     * Adds the memory of one descriptor.
     *
     * @param length unsigned
     * @param writable whether the device writes it
     */
    void add(long guest, int length, boolean writable) {
        long bytes = Integer.toUnsignedLong(length);
        if (bytes == 0) {
            throw new BadRingException("a descriptor of 0 bytes at 0x%x".formatted(guest));
        }
        if (readableBytes + writableBytes + bytes > MAX_BYTES) {
            throw new BadRingException("a request of more than %d bytes".formatted(MAX_BYTES));
        }
        if (writable) {
            writableBytes += bytes;
        } else if (writableBytes != 0) {
            throw new BadRingException("a descriptor to read comes after one to write");
        } else {
            readableBytes += bytes;
        }
        long at = guest;
        while (bytes > 0) {
            int region = memory.find(at, hint);
            if (region < 0) {
                throw new BadRingException(
                        "%d bytes at 0x%x are outside of the memory".formatted(bytes, at));
            }
            hint = region;
            int some = (int) Math.min(bytes, memory.left(region, at));
            addPiece(region, at, some, writable);
            at += some;
            bytes -= some;
        }
    }

    private void addPiece(int region, long guest, int length, boolean writable) {
        if (count == lengths.length) {
            grow();
        }
        regions[count] = region;
        guests[count] = guest;
        lengths[count] = length;
        count++;
        if (!writable) {
            readable = count;
        }
    }

    private void grow() {
        if (count >= MAX_PIECES) {
            throw new BadRingException("a request of more than %d pieces".formatted(MAX_PIECES));
        }
        regions = Arrays.copyOf(regions, 2 * count);
        guests = Arrays.copyOf(guests, 2 * count);
        lengths = Arrays.copyOf(lengths, 2 * count);
    }

    /** {@return how many pieces there are} */
    public int count() {
        return count;
    }

    /** {@return how many pieces the device reads: the first ones} */
    public int readable() {
        return readable;
    }

    /** {@return the bytes that the device may read} */
    public long readableBytes() {
        return readableBytes;
    }

    /** {@return the bytes that the device may write} */
    public long writableBytes() {
        return writableBytes;
    }

    /** {@return the bytes of a piece} */
    public int length(int piece) {
        return lengths[piece];
    }

    /** {@return where a piece is in this process} */
    public long address(int piece) {
        GuestRegion region = memory.region(regions[piece]);
        return region.memory().address() + (guests[piece] - region.guest());
    }

    /**
     * {@return the page frame of a byte of a piece}
     *
     * @param skip which byte
     */
    public long frame(int piece, long skip) {
        GuestRegion region = memory.region(regions[piece]);
        return region.frame() + ((guests[piece] + skip - region.guest()) >>> Pages.SHIFT);
    }

    /** {@return the region that a piece lies in} */
    public MemorySegment segment(int piece) {
        return memory.region(regions[piece]).memory();
    }

    /** {@return where in its region a piece begins} */
    public long offset(int piece) {
        return guests[piece] - memory.region(regions[piece]).guest();
    }

    /**
     * Copies bytes that the device reads, however they are spread over pieces.
     *
     * @param skip how many to leave out
     * @param into is filled; there must be as many
     */
    public void read(long skip, MemorySegment into) {
        copy(0, skip, into, false);
    }

    /**
     * Copies bytes to where the device writes, however it is spread over pieces.
     *
     * @param skip how many to leave as they are
     * @param from all of it is written; there must be room
     */
    public void write(long skip, MemorySegment from) {
        copy(readable, skip, from, true);
    }

    private void copy(int firstPiece, long skip, MemorySegment own, boolean write) {
        int piece = firstPiece;
        long before = skip;
        while (before >= lengths[piece]) {
            before -= lengths[piece];
            piece++;
        }
        for (long done = 0; done < own.byteSize(); piece++) {
            long some = Math.min(lengths[piece] - before, own.byteSize() - done);
            long offset = offset(piece) + before;
            if (write) {
                MemorySegment.copy(own, done, segment(piece), offset, some);
            } else {
                MemorySegment.copy(segment(piece), offset, own, done, some);
            }
            done += some;
            before = 0;
        }
    }

    GuestMemory memory() {
        return memory;
    }

    @Override
    public String toString() {
        return "%d bytes to read, %d to write, %d pieces"
                .formatted(readableBytes, writableBytes, count);
    }
}
