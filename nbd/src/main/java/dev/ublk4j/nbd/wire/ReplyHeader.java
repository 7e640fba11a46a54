package dev.ublk4j.nbd.wire;

import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_SHORT_UNALIGNED;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * Replies up to where their data begins.
 *
 * <pre>
 *   simple, 16 bytes        structured, 20 bytes      extended, 32 bytes
 *   0  magic 0x67446698     0  magic 0x668e33ef       0  magic 0x6e8a278c
 *   4  error, 32 bits       4  flags, 16 bits         4  flags, 16 bits
 *   8  cookie, 64 bits      6  type, 16 bits          6  type, 16 bits
 *                           8  cookie, 64 bits        8  cookie, 64 bits
 *                          16  length, 32 bits       16  offset, 64 bits
 *                                                    24  length, 64 bits
 * </pre>
 *
 * <p>Every method writes at {@code at} and answers how many bytes it has written, at most {@link
 * #MAX_BYTES}. A reply is one chunk, but for a block status, which has one for each {@link
 * MetaContext}.
 */
public enum ReplyHeader {
    /** As it was in the beginning. */
    SIMPLE,
    /** Negotiated by {@link Option#STRUCTURED_REPLY}. */
    STRUCTURED,
    /** Negotiated by {@link Option#EXTENDED_HEADERS}. */
    EXTENDED;

    /** The most that a reply has before its data. */
    public static final int MAX_BYTES = 48;

    private static final ValueLayout.OfShort SHORT =
            JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);
    private static final ValueLayout.OfInt INT = JAVA_INT_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);
    private static final ValueLayout.OfLong LONG =
            JAVA_LONG_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);

    private static final int SIMPLE_BYTES = 16;
    private static final int STRUCTURED_BYTES = 20;
    private static final int EXTENDED_BYTES = 32;

    private static final int FLAGS_AT = 4;

    /** The error number and the length of a text, which is left out. */
    private static final int ERROR_BYTES = 6;

    /**
     * Begins the answer to a read that has worked; the data follows.
     *
     * @param offset of the request
     * @param length bytes of data
     */
    public int data(MemorySegment to, long at, long cookie, long offset, long length) {
        if (this == SIMPLE) {
            return simple(to, at, cookie, 0);
        }
        int header = chunk(to, at, Chunk.OFFSET_DATA, cookie, offset, Long.BYTES + length);
        to.set(LONG, at + header, offset);
        return header + Long.BYTES;
    }

    /** Is the whole answer to a request that has worked and brings no data. */
    public int done(MemorySegment to, long at, long cookie, long offset) {
        return this == EXTENDED
                ? chunk(to, at, Chunk.NONE, cookie, offset, 0)
                : simple(to, at, cookie, 0);
    }

    /**
     * Is the whole answer to a request that has failed.
     *
     * @param error as {@link NbdErrno} tells it
     */
    public int failed(MemorySegment to, long at, long cookie, long offset, int error) {
        if (this == SIMPLE) {
            return simple(to, at, cookie, error);
        }
        int header = chunk(to, at, Chunk.ERROR, cookie, offset, ERROR_BYTES);
        to.set(INT, at + header, error);
        to.set(SHORT, at + header + Integer.BYTES, (short) 0);
        return header + ERROR_BYTES;
    }

    /**
     * Begins a chunk of the answer to a block status; as many extents follow.
     *
     * @param extents how many
     * @param isLast whether the answer ends with them
     */
    public int blockStatus(
            MemorySegment to,
            long at,
            long cookie,
            long offset,
            MetaContext context,
            int extents,
            boolean isLast) {
        int header;
        if (this == EXTENDED) {
            long length = 2L * Integer.BYTES + (long) extents * extentBytes();
            header = chunk(to, at, Chunk.BLOCK_STATUS_EXT, cookie, offset, length);
            to.set(INT, at + header + Integer.BYTES, extents);
        } else {
            long length = Integer.BYTES + (long) extents * extentBytes();
            header = chunk(to, at, Chunk.BLOCK_STATUS, cookie, offset, length);
        }
        to.set(INT, at + header, context.id());
        if (!isLast) {
            to.set(SHORT, at + FLAGS_AT, (short) 0);
        }
        return blockStatusBytes();
    }

    /** {@return the bytes of a chunk of a block status before its extents} */
    public int blockStatusBytes() {
        return this == EXTENDED
                ? EXTENDED_BYTES + 2 * Integer.BYTES
                : STRUCTURED_BYTES + Integer.BYTES;
    }

    /** {@return the bytes of an extent} */
    public int extentBytes() {
        return this == EXTENDED ? 2 * Long.BYTES : 2 * Integer.BYTES;
    }

    /** Writes an extent. */
    public void extent(MemorySegment to, long at, long length, int status) {
        if (this == EXTENDED) {
            to.set(LONG, at, length);
            to.set(LONG, at + Long.BYTES, status);
        } else {
            to.set(INT, at, (int) length);
            to.set(INT, at + Integer.BYTES, status);
        }
    }

    private static int simple(MemorySegment to, long at, long cookie, int error) {
        to.set(INT, at, Magic.SIMPLE_REPLY);
        to.set(INT, at + 4, error);
        to.set(LONG, at + 8, cookie);
        return SIMPLE_BYTES;
    }

    private int chunk(MemorySegment to, long at, int type, long cookie, long offset, long length) {
        to.set(INT, at, this == EXTENDED ? Magic.EXTENDED_REPLY : Magic.STRUCTURED_REPLY);
        to.set(SHORT, at + FLAGS_AT, (short) Chunk.DONE);
        to.set(SHORT, at + 6, (short) type);
        to.set(LONG, at + 8, cookie);
        if (this == STRUCTURED) {
            to.set(INT, at + 16, (int) length);
            return STRUCTURED_BYTES;
        }
        to.set(LONG, at + 16, offset);
        to.set(LONG, at + 24, length);
        return EXTENDED_BYTES;
    }
}
