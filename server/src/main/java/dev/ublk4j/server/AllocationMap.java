package dev.ublk4j.server;

/** Knows which parts of a target hold nothing: what reads as zeroes and takes no space. */
@FunctionalInterface
public interface AllocationMap {
    /**
     * Describes a range from its start, as far as {@code extents} takes it and the answer can be
     * given at a reasonable price. From any thread, while requests go on; it may block.
     *
     * <p>What is told must be true of every write that had completed before the call.
     *
     * @param offset first byte, within the device
     * @param length bytes, within the device
     */
    void describe(long offset, long length, Extents extents);
}
