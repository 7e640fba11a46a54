package dev.ublk4j.nbd.wire;

import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_SHORT_UNALIGNED;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * A request of a client, without its payload.
 *
 * <pre>
 *   compact, 28 bytes            extended, 32 bytes
 *   0  magic 0x25609513          0  magic 0x21e41c71
 *   4  flags, 16 bits            4  flags, 16 bits
 *   6  command, 16 bits          6  command, 16 bits
 *   8  cookie, 64 bits           8  cookie, 64 bits
 *  16  offset, 64 bits          16  offset, 64 bits
 *  24  length, 32 bits          24  length, 64 bits
 * </pre>
 *
 * <p>One object is filled again and again.
 */
public final class RequestHeader {
    public static final int COMPACT_BYTES = 28;
    public static final int EXTENDED_BYTES = 32;

    private static final ValueLayout.OfShort SHORT =
            JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);
    private static final ValueLayout.OfInt INT = JAVA_INT_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);
    private static final ValueLayout.OfLong LONG =
            JAVA_LONG_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);

    private final boolean extended;
    private int flags;
    private int command;
    private long cookie;
    private long offset;
    private long length;

    /**
     * Makes an empty one.
     *
     * @param extended whether the client has asked for extended headers
     */
    public RequestHeader(boolean extended) {
        this.extended = extended;
    }

    /** {@return how many bytes a header has} */
    public int bytes() {
        return extended ? EXTENDED_BYTES : COMPACT_BYTES;
    }

    /**
     * Reads a header; answers whether it begins as one must.
     *
     * @param from holds {@link #bytes} at {@code at}
     */
    public boolean read(MemorySegment from, long at) {
        if (from.get(INT, at) != (extended ? Magic.EXTENDED_REQUEST : Magic.REQUEST)) {
            return false;
        }
        flags = Short.toUnsignedInt(from.get(SHORT, at + 4));
        command = Short.toUnsignedInt(from.get(SHORT, at + 6));
        cookie = from.get(LONG, at + 8);
        offset = from.get(LONG, at + 16);
        length =
                extended ? from.get(LONG, at + 24) : Integer.toUnsignedLong(from.get(INT, at + 24));
        return true;
    }

    /** {@return {@code NBD_CMD_FLAG_...}} */
    public int flags() {
        return flags;
    }

    /** {@return {@code NBD_CMD_...}} */
    public int command() {
        return command;
    }

    /** {@return what the reply is recognised by} */
    public long cookie() {
        return cookie;
    }

    /** {@return the first byte that is meant; anything, unsigned} */
    public long offset() {
        return offset;
    }

    /** {@return how many bytes are meant; anything, unsigned} */
    public long length() {
        return length;
    }

    /** {@return whether a payload of {@link #length} bytes follows} */
    public boolean hasPayload() {
        return extended
                ? (flags & Command.FLAG_PAYLOAD_LEN) != 0 || command == Command.WRITE
                : command == Command.WRITE;
    }

    @Override
    public String toString() {
        return "%s of %s bytes at %s"
                .formatted(
                        Command.name(command),
                        Long.toUnsignedString(length),
                        Long.toUnsignedString(offset));
    }
}
