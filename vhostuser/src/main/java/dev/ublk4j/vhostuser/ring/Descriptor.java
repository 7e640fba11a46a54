package dev.ublk4j.vhostuser.ring;

/** What the descriptors of all rings and tables have in common: address, length, and flags. */
final class Descriptor {
    /** Bytes of a descriptor, which begins with the address. */
    static final int BYTES = 16;

    /** Where the length is. */
    static final int LENGTH = 8;

    /** Another descriptor follows. */
    static final int F_NEXT = 1;

    /** The device writes. */
    static final int F_WRITE = 2;

    /** The descriptor names a table of descriptors. */
    static final int F_INDIRECT = 4;

    private Descriptor() {}

    /** {@return the region of an indirect table, which has been found fit to be one} */
    static int tableRegion(GuestMemory memory, long address, int length) {
        int region = memory.find(address, 0);
        if (length <= 0
                || length % BYTES != 0
                || (address & 7) != 0
                || region < 0
                || memory.left(region, address) < length) {
            throw new BadRingException(
                    "an indirect table of %d bytes at 0x%x"
                            .formatted(Integer.toUnsignedLong(length), address));
        }
        return region;
    }
}
