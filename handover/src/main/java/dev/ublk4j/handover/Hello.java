package dev.ublk4j.handover;

import java.nio.ByteBuffer;
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
        for (int i = 0; i < Long.BYTES; i++) {
            out.put(magic(i));
        }
        out.putInt(version).putInt(device);
    }

    private static byte magic(int index) {
        return (byte) (Exchange.MAGIC >>> (Long.SIZE - Byte.SIZE * (index + 1)));
    }

    /**
     * {@return whether the first bytes of a connection may be those of a hello}
     *
     * @param first its first bytes, at the beginning of the buffer
     * @param count how many there are
     */
    public static boolean mayBegin(ByteBuffer first, int count) {
        for (int i = 0; i < Math.min(count, Long.BYTES); i++) {
            if (first.get(i) != magic(i)) {
                return false;
            }
        }
        return true;
    }

    /** {@return what the 16 bytes of a buffer say, null when they are no hello} */
    public static @Nullable Hello getOrNull(ByteBuffer in) {
        if (!mayBegin(in, Long.BYTES)) {
            return null;
        }
        in.position(Long.BYTES);
        return new Hello(in.getInt(), in.getInt());
    }
}
