package dev.ublk4j.server;

/**
 * Knows which parts of a target have changed since a moment of its own, for backups that copy
 * nothing else.
 */
@FunctionalInterface
public interface ChangeMap {
    /**
     * Describes a range from its start, as far as {@code extents} takes it: a run that holds data
     * is one that has changed, or may have. From any thread, while requests go on; it may block.
     *
     * <p>What is told must be true of every write that had completed before the call.
     *
     * @param offset first byte, within the device
     * @param length bytes, within the device
     */
    void describeChanges(long offset, long length, Extents extents);
}
