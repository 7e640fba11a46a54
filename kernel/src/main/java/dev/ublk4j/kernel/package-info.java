/**
 * The driver of the Linux kernel, {@code ublk_drv}, reached over io_uring.
 *
 * <p>{@link dev.ublk4j.kernel.KernelDriver} sends control commands to {@code /dev/ublk-control};
 * the char devices it opens are {@code /dev/ublkcN}. The source of everything here is the kernel's
 * {@code Documentation/block/ublk.rst} and {@code include/uapi/linux/ublk_cmd.h}.
 */
@NullMarked
package dev.ublk4j.kernel;

import org.jspecify.annotations.NullMarked;
