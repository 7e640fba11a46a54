/**
 * The server's side of shared memory: takes it from applications over a socket, or from files that
 * the operator names, and shares it with a device.
 *
 * <p><b>Where to start.</b> {@link dev.ublk4j.sharing.SharingServer#start} beside a device that was
 * started with {@link dev.ublk4j.uapi.Feature#SHMEM_ZC}:
 *
 * {@snippet :
 * try (Device device = Device.start(driver, target, options.with(Feature.SHMEM_ZC));
 *         SharingServer sharing = SharingServer.start(device, SharingOptions.defaults())) {
 *     device.awaitStop();
 * }
 * }
 *
 * <p><b>What an application hands over.</b> {@code MemoryCheck} decides whether it is fit: memory,
 * of whole pages, that nobody can make smaller. A {@code HandedBuffer} is what becomes of it, and
 * the {@code Registry} has all of them. A {@code ClientConnection} is one application's.
 *
 * <p><b>What it does not hand over.</b> The memory of a process that knows nothing of this can be
 * {@linkplain dev.ublk4j.sharing.SharingServer#adopt adopted}: the {@code Adopter} opens what the
 * process has mapped, and an {@code Adoption} holds the buffers while a process has it.
 *
 * <p><b>Threads and lifetimes.</b> One thread accepts, and each connection has one of its own,
 * because a registration waits for the device's requests and a descriptor may be of a file system
 * that does not respond; nobody else waits with it. A buffer goes with its connection, whichever
 * way that ends, or with the server.
 */
@NullMarked
package dev.ublk4j.sharing;

import org.jspecify.annotations.NullMarked;
