package dev.ublk4j.handover;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.jspecify.annotations.Nullable;

/**
 * How messages begin, in both directions.
 *
 * @param version of the messages
 * @param device N of {@code /dev/ublkbN} where a server says it
 */
public record Hello(int version, int device) {
    /** Writes it. */
    public void put(ByteBuffer out) {
        long magic =
                out.order() == ByteOrder.BIG_ENDIAN
                        ? Exchange.MAGIC
                        : Long.reverseBytes(Exchange.MAGIC);
        out.putLong(magic).putInt(version).putInt(device);
    }

    /** {@return what 16 bytes say, null when they are no hello} */
    public static @Nullable Hello getOrNull(ByteBuffer in) {
        long magic = in.getLong();
        if (in.order() == ByteOrder.LITTLE_ENDIAN) {
            magic = Long.reverseBytes(magic);
        }
        return magic == Exchange.MAGIC ? new Hello(in.getInt(), in.getInt()) : null;
    }
}
