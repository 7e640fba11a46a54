/**
 * A block device as an application uses it: reads and writes from its own memory, past the page
 * cache and, where the device's server agrees, without a copy.
 *
 * <p><b>Where to start.</b> {@link dev.ublk4j.client.SharedBufferPool} has buffers in shared
 * memory. {@linkplain dev.ublk4j.client.SharedBufferPool#attach(java.nio.file.Path) Attach} it to a
 * device; {@linkplain dev.ublk4j.client.Attachment#open(int) open} a {@link
 * dev.ublk4j.client.DeviceChannel} on each thread that does I/O; {@linkplain
 * dev.ublk4j.client.SharedBufferPool#acquire acquire} buffers, read and write.
 *
 * {@snippet :
 * try (SharedBufferPool pool = SharedBufferPool.create(64 * 1024, 256);
 *         Attachment device = pool.attach(Path.of("/dev/ublkb0"));
 *         DeviceChannel channel = device.open(32)) {
 *     PooledBuffer buffer = pool.acquire();
 *     channel.read(buffer, 0);
 *     channel.runAll();
 *     buffer.release();
 * }
 * }
 *
 * <p><b>Lifetimes.</b> Close what was opened last first, as above. A pool that a channel is open on
 * cannot be freed, and a channel closes when its requests have ended.
 *
 * <p><b>Without a pool.</b> {@link dev.ublk4j.client.DirectDevice} reads and writes any block
 * device or file from any memory. {@link dev.ublk4j.client.BlockDevice} is what a pool can be
 * attached to; a driver that runs in the application's own process has one of its own.
 */
@NullMarked
package dev.ublk4j.client;

import org.jspecify.annotations.NullMarked;
