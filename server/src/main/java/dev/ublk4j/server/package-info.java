/**
 * Serves block devices: the API that a target implements, and the threads that call it.
 *
 * <p><b>Where to start.</b> Write a {@link dev.ublk4j.server.Target}, and hand it to {@link
 * dev.ublk4j.server.Device#start}:
 *
 * {@snippet :
 * try (Driver driver = KernelDriver.open();
 *         Device device = Device.start(driver, new MyTarget(), DeviceOptions.defaults())) {
 *     device.awaitStop();
 * }
 * }
 *
 * <p><b>The path of a request.</b> {@code QueueThread} waits in its {@link
 * dev.ublk4j.driver.spi.QueueRing}; {@code Dispatcher} turns a completion into a {@link
 * dev.ublk4j.server.Request} and calls the target; {@link dev.ublk4j.server.Queue} commits the
 * answer, which the next wait carries to the driver.
 *
 * <p><b>Threads and lifetimes.</b> A queue has one platform thread, which owns its ring, its
 * buffers and its requests. A request's data is valid until the request completes.
 */
@NullMarked
package dev.ublk4j.server;

import org.jspecify.annotations.NullMarked;
