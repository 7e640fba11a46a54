/**
 * A block device as an application uses it: reads and writes from its own memory, past the page
 * cache.
 *
 * <p>{@link dev.ublk4j.client.DirectDevice} is one thread's way to a device or file. It knows
 * nothing of ublk; that the device's server shares the memory of a request, and so need not copy
 * it, is between the server and the kernel.
 */
@NullMarked
package dev.ublk4j.client;

import org.jspecify.annotations.NullMarked;
