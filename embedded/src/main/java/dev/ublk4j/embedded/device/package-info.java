/**
 * Devices: what each is made of, the life of one, and the table of all.
 *
 * <p><b>What it is.</b> A {@link dev.ublk4j.embedded.device.UblkDevice} has its queues, its
 * parameters and its registered buffers; {@link dev.ublk4j.embedded.device.DeviceLife} owns its
 * state, and {@code LifeState} is the table of what moves it on. The server's side of a device is
 * its char device, and the disk that it has while it is started is a {@link
 * dev.ublk4j.embedded.block.Gendisk}.
 *
 * <p><b>Where to start.</b> {@link dev.ublk4j.embedded.device.DeviceLife}.
 *
 * <p><b>Threads.</b> Any. A device lives while anyone refers to it: the {@link
 * dev.ublk4j.embedded.device.DeviceTable} until {@code DEL_DEV}, its open char device, its disk,
 * every command under way.
 *
 * <p><b>Locks</b>, in the order in which they are taken:
 *
 * <pre>
 *   DeviceTable.control           ADD_DEV and DEL_DEV
 *   ServerReadiness.mutex         parameters, the disk, tags fetched; START_DEV to STOP_DEV whole
 *   ServerReadiness.cancelLock    whether requests are kept from the server
 *   DeviceTable.lock, References  who uses what
 * </pre>
 *
 * <p>A queue thread takes the mutex for {@code FETCH} and no lock otherwise, so no one who holds
 * the mutex may wait for something that only a {@code FETCH} brings. {@code STOP_DEV} does wait
 * while it holds it, for requests that are under way: those need commits, or the end of the server,
 * and neither takes the mutex before the requests are answered. The registration of buffers waits
 * for requests too, and has a lock of its own.
 */
@NullMarked
package dev.ublk4j.embedded.device;

import org.jspecify.annotations.NullMarked;
