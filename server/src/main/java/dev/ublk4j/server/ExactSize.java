package dev.ublk4j.server;

/**
 * The ability of a {@link Target} to have a size that is no whole number of blocks, or none at all.
 * Its device is larger: it ends with the block in which the target ends, or has one block where the
 * target is empty. What is there behind the end reads as zeroes, and what is written there
 * vanishes.
 *
 * <p>A protocol that counts in bytes tells its clients the size of the target. Block devices are
 * whole blocks.
 */
public interface ExactSize {
    /** {@return the size in bytes, at most that of the device, and more than that less a block} */
    long exactSize();
}
