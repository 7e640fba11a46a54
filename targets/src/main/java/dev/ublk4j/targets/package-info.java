/**
 * Targets that are ready to be served.
 *
 * <p>{@link dev.ublk4j.targets.NullTarget} does nothing, {@link dev.ublk4j.targets.MemoryTarget}
 * keeps its bytes in memory and is the shortest example of a target, {@link
 * dev.ublk4j.targets.FileTarget} keeps them in a file or block device and shows how to do I/O on
 * the queue's own ring.
 */
@NullMarked
package dev.ublk4j.targets;

import org.jspecify.annotations.NullMarked;
