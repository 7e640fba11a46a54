package dev.ublk4j.handover;

import java.nio.ByteBuffer;

/**
 * A buffer that a server has taken.
 *
 * @param index the driver's
 * @param flags {@link Exchange#READ_ONLY} and the other flags
 * @param length bytes
 */
public record Registered(int index, int flags, long length) {
    /** Writes it. */
    public void put(ByteBuffer out) {
        out.putInt(index).putInt(flags).putLong(length);
    }

    static Registered get(ByteBuffer in) {
        return new Registered(in.getInt(), in.getInt(), in.getLong());
    }
}
