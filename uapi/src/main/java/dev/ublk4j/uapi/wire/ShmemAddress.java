package dev.ublk4j.uapi.wire;

import dev.ublk4j.uapi.IoFlag;

/**
 * A place in a registered shared buffer, as {@link IoDescLayout#addr} holds it with {@link
 * IoFlag#UBLK_IO_F_SHMEM_ZC}: byte offset in bits 0 to 31, buffer index in bits 32 to 47, zeros
 * above.
 */
public final class ShmemAddress {
    /** The bits of the offset. */
    public static final long UBLK_SHMEM_ZC_OFF_MASK = 0xffff_ffffL;

    /** Where the bits of the index begin. */
    public static final int UBLK_SHMEM_ZC_IDX_OFF = 32;

    /** The bits of the index, shifted down. */
    public static final long UBLK_SHMEM_ZC_IDX_MASK = 0xffff;

    private ShmemAddress() {}

    /**
     * {@return the address of a place}
     *
     * @param index the buffer's index, 0 to 65,535
     * @param offset bytes from the start of the buffer, below 4 GiB
     */
    public static long of(int index, long offset) {
        assert index >>> 16 == 0 && offset >>> 32 == 0 : index + ", " + offset;
        return (long) index << UBLK_SHMEM_ZC_IDX_OFF | offset;
    }

    /** {@return the buffer's index} */
    public static int index(long address) {
        return (int) (address >>> UBLK_SHMEM_ZC_IDX_OFF & UBLK_SHMEM_ZC_IDX_MASK);
    }

    /** {@return the bytes from the start of the buffer} */
    public static long offset(long address) {
        return address & UBLK_SHMEM_ZC_OFF_MASK;
    }
}
