/**
 * io_uring in Java, without native code: rings, registered files and buffers, provided buffers.
 *
 * <p><b>Where to start.</b> {@link dev.ublk4j.uring.Ring#open} with {@link
 * dev.ublk4j.uring.RingOptions}; prepare operations with the ring's methods, hand them over with
 * {@link dev.ublk4j.uring.Ring#submit} or {@link dev.ublk4j.uring.Ring#submitAndWait(int)}, take
 * completions with {@link dev.ublk4j.uring.Ring#drain}. {@link dev.ublk4j.uring.BufferRing} lends
 * buffers to the kernel, {@link dev.ublk4j.uring.RingFeatures} says what the running kernel can do.
 * Inside, {@code SubmissionQueue} and {@code CompletionQueue} are the two shared rings, {@code Sqe}
 * is one entry's layout and {@link dev.ublk4j.uring.IoUring} holds the numbers of {@code
 * linux/io_uring.h}.
 *
 * <p><b>Threads.</b> A ring belongs to the thread that opened it; nothing in it locks. Other
 * threads reach that thread through {@link dev.ublk4j.uring.Ring#messageRing} from a ring of their
 * own, or through an eventfd that the owner polls.
 *
 * <p><b>Memory.</b> Operations take addresses. What an address points at stays where it is until
 * the completion has been drained: the kernel reads and writes it meanwhile, and no arena knows.
 *
 * <p><b>Errors.</b> The result of an operation is its completion's, a negative errno where it
 * failed. A call that the kernel refuses throws {@link dev.ublk4j.linux.LinuxException}.
 */
@NullMarked
package dev.ublk4j.uring;

import org.jspecify.annotations.NullMarked;
