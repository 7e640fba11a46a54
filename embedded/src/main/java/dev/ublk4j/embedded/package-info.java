/**
 * The ublk driver in Java: the kernel's side of the seam, on a machine without ublk and without a
 * privilege.
 *
 * <p><b>What it is.</b> It takes the control commands and io commands of Linux 7.3 with the same
 * structures and answers with the same numbers, in the same order of checks. What the kernel has
 * besides, a block device for applications, is {@link dev.ublk4j.embedded.Disk}.
 *
 * <p><b>Where to start.</b> {@link dev.ublk4j.embedded.EmbeddedDriver}; as a client, {@link
 * dev.ublk4j.embedded.DiskRequest} and {@link dev.ublk4j.embedded.ClientMemory}.
 *
 * <p><b>Inside</b>, each package uses only those above it in this list:
 *
 * <pre>
 *   freeze     lets requests in, or keeps them out while something changes
 *   range      which registered buffer a page frame belongs to
 *   handoff    how threads hand work to one thread, and wake it
 *   features   what a release of Linux can do, and what a device was promised
 *   block      the block layer; it knows its driver as a QueueDriver
 *   queue      the driver's side of the queues, and the rings of a server
 *   device     devices, the life of one, and the table of all
 *   control    the control commands
 * </pre>
 *
 * <p>A request goes this way: {@code Gendisk} checks it; {@code Submission} cuts it; {@code
 * BlockQueue} gives each part a tag, or keeps it until there is one; {@code UblkQueue} hands it to
 * the {@code EmbeddedQueueRing} that has fetched the tag; there {@code RequestDispatch} matches,
 * copies and describes it. The server's commit comes back through {@code RingCommands}. A control
 * command goes through {@code ControlDispatcher} to the class of its family, or to the {@code
 * DeviceLife}, which moves a device from one state to the next.
 *
 * <p><b>Threads.</b> Drivers, disks and client memory: any. A request and its memory belong to the
 * driver while it is under way. A queue's tags are changed only by the thread of its ring, without
 * a lock and without allocating; one thread may be client and server at once.
 *
 * <p><b>What it has.</b> {@code USER_COPY}, {@code ZONED}, {@code SHMEM_ZC}, {@code NEED_GET_DATA},
 * {@code USER_RECOVERY} with {@code REISSUE} and {@code FAIL_IO}, {@code QUIESCE}, {@code
 * UPDATE_SIZE}, {@code PER_IO_DAEMON}, {@code BATCH_IO}, {@code INTEGRITY}, {@code SAFE_STOP_DEV},
 * {@code UNPRIVILEGED_DEV}, {@code IO_DESC_SIZE} and {@code NO_AUTO_PART_SCAN}, which changes
 * nothing, as partitions are never looked for.
 *
 * <p><b>What it has not.</b> {@code SUPPORT_ZERO_COPY}, {@code AUTO_BUF_REG} and {@code
 * BUF_REG_OFF_DAEMON} hand pages of requests to an io_uring, which only a kernel can. They are
 * absent from {@code GET_FEATURES}, and {@code ADD_DEV} answers as a kernel does that lacks them:
 * it takes the flag away. A server that asks first sees no difference.
 *
 * <p><b>Where it differs.</b>
 *
 * <ul>
 *   <li>{@code DEL_DEV} and {@code UNREG_BUF} wait without holding what a server's {@code FETCH}
 *       needs.
 *   <li>A write that is matched and announced with {@code NEED_GET_DATA} keeps its index and
 *       offset; the kernel writes the buffer's address over them and leaves the flag.
 *   <li>Submissions are not merged, and a flush takes a tag of its own.
 *   <li>A server's buffer address is used as it is, unless {@link
 *       dev.ublk4j.embedded.EmbeddedOptions#checkedCopies} asks for care.
 *   <li>Integrity metadata comes from the client and goes to the client. Linux makes it up for a
 *       write that has none, and checks it for such a read; here the request comes without.
 *   <li>{@code QUIESCE_DEV} does not wait for an idle tag; see {@code DeviceLife}.
 * </ul>
 */
@NullMarked
package dev.ublk4j.embedded;

import org.jspecify.annotations.NullMarked;
