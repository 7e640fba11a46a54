package dev.ublk4j.vhostuser;

import java.nio.ByteBuffer;

/**
 * What a client says of one piece of its memory.
 *
 * <pre>{@code
 * struct VhostUserMemoryRegion {
 *     u64 guest_phys_addr, memory_size, userspace_addr, mmap_offset;
 * };
 * }</pre>
 *
 * @param guest where its descriptors say it is
 * @param bytes how long it is
 * @param user where the client has it mapped
 * @param offset where in the file it begins
 */
record Region(long guest, long bytes, long user, long offset) {
    /** Bytes of the structure. */
    static final int BYTES = 32;

    static Region get(ByteBuffer in) {
        return new Region(in.getLong(), in.getLong(), in.getLong(), in.getLong());
    }

    boolean isSame(Region other) {
        return guest == other.guest && bytes == other.bytes && user == other.user;
    }

    @Override
    public String toString() {
        return "%d bytes at 0x%x".formatted(bytes, guest);
    }
}
