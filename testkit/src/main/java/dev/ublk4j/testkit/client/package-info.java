/**
 * Tests an application over a device that the test itself serves, with or without the kernel.
 *
 * <p>{@link dev.ublk4j.testkit.client.ServedBlockDevice} is what a pool of shared buffers attaches
 * to. What the kernel does for an application that opens {@code /dev/ublkbN}, it does for a device
 * of the embedded driver, which has no such file.
 */
@NullMarked
package dev.ublk4j.testkit.client;

import org.jspecify.annotations.NullMarked;
