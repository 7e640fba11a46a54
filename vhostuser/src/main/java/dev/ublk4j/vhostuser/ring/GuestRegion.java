package dev.ublk4j.vhostuser.ring;

import java.lang.foreign.MemorySegment;

/**
 * One piece of a client's memory, mapped here.
 *
 * @param guest where the client's descriptors say it is (guest-physical address), page aligned
 * @param user where the client itself has it mapped
 * @param memory where this process has it, from the start of a page on
 * @param frame the page frame of its first page; those of the others follow
 */
public record GuestRegion(long guest, long user, MemorySegment memory, long frame) {
    /** Addresses of a client that are higher than this are taken for nonsense. */
    public static final long MAX_ADDRESS = 1L << 56;

    /** Checks the ranges. */
    public GuestRegion {
        long bytes = memory.byteSize();
        if (bytes == 0 || !isSane(guest, bytes) || !isSane(user, bytes)) {
            throw new IllegalArgumentException(
                    "%d bytes at 0x%x, of the client 0x%x".formatted(bytes, guest, user));
        }
    }

    private static boolean isSane(long address, long bytes) {
        return address >= 0 && address <= MAX_ADDRESS && bytes <= MAX_ADDRESS - address;
    }

    /** {@return the bytes} */
    public long bytes() {
        return memory.byteSize();
    }

    /** {@return the address after the last} */
    public long end() {
        return guest + memory.byteSize();
    }

    @Override
    public String toString() {
        return "%d bytes at 0x%x".formatted(bytes(), guest);
    }
}
