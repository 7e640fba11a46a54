package dev.ublk4j.handover;

import java.nio.ByteBuffer;

/**
 * One buffer that is shared with a device.
 *
 * @param index the driver's
 * @param flags {@link Exchange#READ_ONLY} and the other flags
 * @param offset its first byte within its file
 * @param length bytes
 * @param pid the process that handed it over, 0 for the server itself
 * @param uid that process's user
 * @param name for people
 */
public record BufferEntry(
        int index, int flags, long offset, long length, int pid, int uid, String name) {
    private static final int FIXED_BYTES = 40;

    /** {@return whether only writes to the device use it} */
    public boolean readOnly() {
        return (flags & Exchange.READ_ONLY) != 0;
    }

    /** {@return whether it belongs to the device rather than to a connection} */
    public boolean kept() {
        return (flags & Exchange.KEEP) != 0;
    }

    /** {@return whether it belongs to the connection that asked} */
    public boolean own() {
        return (flags & Exchange.OWN) != 0;
    }

    /** {@return whether the server has taken it from a process that did not hand it over} */
    public boolean adopted() {
        return (flags & Exchange.ADOPTED) != 0;
    }

    /** {@return whether there is room for it} */
    public boolean fits(ByteBuffer out) {
        return out.remaining() >= FIXED_BYTES + Texts.roomFor(name);
    }

    /** Writes it. */
    public void put(ByteBuffer out) {
        out.putInt(index).putInt(flags).putLong(offset).putLong(length);
        out.putInt(pid).putInt(uid).putInt(0);
        Texts.putName(out, name);
        Texts.align(out);
    }

    static BufferEntry get(ByteBuffer in) {
        int index = in.getInt();
        int flags = in.getInt();
        long offset = in.getLong();
        long length = in.getLong();
        int pid = in.getInt();
        int uid = in.getInt();
        in.getInt();
        String name = Texts.getName(in);
        Texts.skipToAligned(in);
        return new BufferEntry(index, flags, offset, length, pid, uid, name);
    }
}
