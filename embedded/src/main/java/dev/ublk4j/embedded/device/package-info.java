/**
 * Devices: what each is made of, the life of one, and the table of all.
 *
 * <p><b>What it is.</b> A {@link dev.ublk4j.embedded.device.UblkDevice} has its queues, its
 * parameters and its registered buffers; {@link dev.ublk4j.embedded.device.DeviceLife} owns its
 * state, and {@code LifeState} is the table of what moves it on. The server's side of a device is
 * its char device, and the disk that it has while it is started is a {@link
 * dev.ublk4j.embedded.block.Gendisk}.
 *
 * <p><b>Where to start.</b> {@link dev.ublk4j.embedded.device.DeviceLife}, which also says in which
 * order locks are taken.
 *
 * <p><b>Threads.</b> Any. A device lives while anyone refers to it: the {@link
 * dev.ublk4j.embedded.device.DeviceTable} until {@code DEL_DEV}, its open char device, its disk,
 * every command under way.
 */
@NullMarked
package dev.ublk4j.embedded.device;

import org.jspecify.annotations.NullMarked;
