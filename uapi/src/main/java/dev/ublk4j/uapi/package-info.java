/**
 * The wire format between a ublk server and a ublk driver: {@code linux/ublk_cmd.h} of Linux 7.3.
 *
 * <p><b>What it is.</b> One class per C structure, with its layout and static accessors over a
 * segment and an offset; one class per family of constants, which keep their C names; one class per
 * encoding of addresses.
 *
 * <p><b>Where to start.</b> A control command is a {@link
 * dev.ublk4j.uapi.wire.ControlCommandLayout} named by a {@link dev.ublk4j.uapi.ControlCommand}; its
 * payload is a {@link dev.ublk4j.uapi.wire.DeviceInfoLayout}, {@link
 * dev.ublk4j.uapi.wire.ParamsLayout} or {@link dev.ublk4j.uapi.wire.ShmemBufRegLayout}. A request
 * is a {@link dev.ublk4j.uapi.wire.IoDescLayout}, answered by an {@link
 * dev.ublk4j.uapi.wire.IoCommandLayout} named by an {@link dev.ublk4j.uapi.wire.IoCommand}, or by
 * many at once in a {@link dev.ublk4j.uapi.wire.BatchIoLayout}.
 *
 * <p><b>Units.</b> A sector is 512 bytes whatever the block size of the device.
 *
 * <p><b>Threads.</b> Everything is stateless. Accesses to memory are plain: who shares the memory
 * orders them, as a rule by the ring's own counters.
 *
 * <p>Unsigned fields of 8 and 16 bits are ints here; those of 32 and 64 bits are int and long, to
 * be read as unsigned.
 */
@NullMarked
package dev.ublk4j.uapi;

import org.jspecify.annotations.NullMarked;
