package dev.ublk4j.uring;

import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.Fd;
import dev.ublk4j.linux.LinuxException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * One io_uring: operations go in, completions come out.
 *
 * <p>A method named after an operation <em>prepares</em> it: it fills the next free entry, and
 * nothing happens before {@link #submit} or {@link #submitAndWait(int)}. Where no entry is free it
 * submits first, and throws {@link SubmissionQueueFullException} when the kernel then still takes
 * none; {@link #reserve} does that ahead of entries that are to be linked. The setters that follow
 * a preparation ({@link #setSqeFlags} and its like) change the entry prepared last and hold until
 * the next preparation or submission. Offsets and lengths are in bytes, addresses are those of
 * native memory that stays until the completion has been drained.
 *
 * <p>The result of an operation is that of the system call of its name, a negative errno where it
 * failed, and arrives with {@code userData} at the {@link CompletionHandler}.
 *
 * <p>A ring belongs to one thread unless it was opened without {@link RingOptions#singleIssuer};
 * then its users take turns under a lock of theirs. Preparing, submitting and draining allocate
 * nothing. After {@link #close} there are no free entries and no completions, and everything that
 * would need the kernel throws {@link IllegalStateException}.
 */
public final class Ring implements AutoCloseable {
    /** How often one drain looks again, so that a handler that submits cannot hold it forever. */
    private static final int DRAIN_ROUNDS = 16;

    private final Fd fd;
    private final Arena arena;
    private final int setupFlags;
    private final SubmissionQueue submissions;
    private final CompletionQueue completions;
    private final Enter enter;
    private final Registration registration;
    private final MemorySegment sqes;

    /** One time span for each entry: the kernel reads it when it takes the entry. */
    private final MemorySegment timespecs;

    private final @Nullable Thread owner;

    /** What the owner's calls name the ring by; negative where that is its descriptor. */
    private final int place;

    private long last = -1;
    private volatile boolean closed;

    private Ring(RingSetup setup, @Nullable Thread owner) {
        this.fd = setup.fd();
        this.arena = setup.arena();
        this.setupFlags = setup.flags();
        this.submissions = setup.submissions();
        this.completions = setup.completions();
        this.registration = new Registration(fd, arena);
        // The kernel remembers it for one thread; of a ring that has many, each would have to ask.
        this.place = owner == null ? -1 : registration.ringFd();
        this.enter = new Enter(fd, place, submissions, completions, arena);
        this.sqes = submissions.sqes();
        this.timespecs =
                arena.allocate((long) submissions.entries() * Enter.TIMESPEC_BYTES, Long.BYTES);
        this.owner = owner;
    }

    /**
     * Opens a ring that belongs to the calling thread, where the options say so.
     *
     * @throws LinuxException when the kernel refuses; {@link Errno#ENOSYS} or {@link Errno#EPERM}
     *     where it has no io_uring, is too old or does not allow it
     * @throws IllegalStateException on a virtual thread, which the kernel cannot tell from others,
     *     for a ring that belongs to its thread
     */
    public static Ring open(RingOptions options) {
        Thread thread = Thread.currentThread();
        if (options.singleIssuer() && thread.isVirtual()) {
            throw new IllegalStateException("a ring of one thread needs a platform thread");
        }
        return new Ring(RingSetup.of(options), options.singleIssuer() ? thread : null);
    }

    /** Prepares {@code IORING_OP_NOP}, which completes with 0. */
    public void nop(long userData) {
        prepare(Opcode.NOP, -1, 0, 0, 0, 0, userData);
    }

    /** Prepares {@code IORING_OP_READ}; an offset of -1 reads at the file's own position. */
    public void read(int fd, long address, int length, long offset, long userData) {
        prepare(Opcode.READ, fd, offset, address, length, 0, userData);
    }

    /** Prepares {@code IORING_OP_WRITE}; an offset of -1 writes at the file's own position. */
    public void write(int fd, long address, int length, long offset, long userData) {
        prepare(Opcode.WRITE, fd, offset, address, length, 0, userData);
    }

    /**
     * Prepares {@code IORING_OP_READV}.
     *
     * @param vector address of {@code count} pairs of address and length, 8 bytes each
     */
    public void readVector(int fd, long vector, int count, long offset, long userData) {
        prepare(Opcode.READV, fd, offset, vector, count, 0, userData);
    }

    /**
     * Prepares {@code IORING_OP_WRITEV}.
     *
     * @param vector address of {@code count} pairs of address and length, 8 bytes each
     */
    public void writeVector(int fd, long vector, int count, long offset, long userData) {
        prepare(Opcode.WRITEV, fd, offset, vector, count, 0, userData);
    }

    /**
     * Prepares {@code IORING_OP_RECV} on a socket.
     *
     * @param messageFlags {@code MSG_...}, such as {@link IoUring#MSG_WAITALL}
     */
    public void receive(int fd, long address, int length, int messageFlags, long userData) {
        prepare(Opcode.RECV, fd, 0, address, length, messageFlags, userData);
    }

    /**
     * Prepares {@code IORING_OP_SENDMSG} on a socket.
     *
     * @param message address of a {@code struct msghdr}, which stays until the completion
     * @param messageFlags {@code MSG_...}, such as {@link IoUring#MSG_WAITALL}
     */
    public void sendMessage(int fd, long message, int messageFlags, long userData) {
        prepare(Opcode.SENDMSG, fd, 0, message, 1, messageFlags, userData);
    }

    /**
     * Prepares {@code IORING_OP_READ_FIXED}.
     *
     * @param address within registered buffer {@code bufferIndex}; for a buffer that the kernel
     *     registered, an offset into it
     */
    public void readFixed(
            int fd, long address, int length, long offset, int bufferIndex, long userData) {
        long base = prepare(Opcode.READ_FIXED, fd, offset, address, length, 0, userData);
        Sqe.bufferIndex(sqes, base, bufferIndex);
    }

    /**
     * Prepares {@code IORING_OP_WRITE_FIXED}.
     *
     * @param address within registered buffer {@code bufferIndex}; for a buffer that the kernel
     *     registered, an offset into it
     */
    public void writeFixed(
            int fd, long address, int length, long offset, int bufferIndex, long userData) {
        long base = prepare(Opcode.WRITE_FIXED, fd, offset, address, length, 0, userData);
        Sqe.bufferIndex(sqes, base, bufferIndex);
    }

    /**
     * Prepares {@code IORING_OP_FSYNC} of the whole file; it waits for nothing submitted before.
     *
     * @param dataOnly whether metadata that no read needs may stay behind
     */
    public void fsync(int fd, boolean dataOnly, long userData) {
        prepare(Opcode.FSYNC, fd, 0, 0, 0, dataOnly ? IoUring.IORING_FSYNC_DATASYNC : 0, userData);
    }

    /**
     * Prepares {@code IORING_OP_FALLOCATE}.
     *
     * @param mode {@link Fallocate}
     */
    public void fallocate(int fd, int mode, long offset, long length, long userData) {
        prepare(Opcode.FALLOCATE, fd, offset, length, mode, 0, userData);
    }

    /**
     * Prepares {@code IORING_OP_POLL_ADD}, which completes with the events that are there.
     *
     * @param events {@link Poll}
     * @param multishot whether it goes on after a completion, which then has {@link
     *     IoUring#IORING_CQE_F_MORE}
     */
    public void pollAdd(int fd, int events, boolean multishot, long userData) {
        prepare(
                Opcode.POLL_ADD,
                fd,
                0,
                0,
                multishot ? IoUring.IORING_POLL_ADD_MULTI : 0,
                events,
                userData);
    }

    /** Prepares {@code IORING_OP_TIMEOUT}, which completes with {@code -ETIME} after its time. */
    public void timeout(long nanos, long userData) {
        time(Opcode.TIMEOUT, nanos, userData);
    }

    /**
     * Prepares {@code IORING_OP_LINK_TIMEOUT}, which cancels the entry before it after its time.
     *
     * <p>That entry has {@link IoUring#IOSQE_IO_LINK}. This one completes with {@code -ETIME} where
     * it struck and with {@code -ECANCELED} where the other was first.
     */
    public void linkTimeout(long nanos, long userData) {
        time(Opcode.LINK_TIMEOUT, nanos, userData);
    }

    private void time(Opcode opcode, long nanos, long userData) {
        long base = prepare(opcode, -1, 0, 0, 1, 0, userData);
        long at = (long) submissions.slot(base) * Enter.TIMESPEC_BYTES;
        Enter.timespec(timespecs, at, nanos);
        Sqe.address(sqes, base, timespecs.address() + at);
    }

    /**
     * Prepares {@code IORING_OP_ASYNC_CANCEL} of one operation.
     *
     * <p>Completes with 0 where it found it, else with {@code -ENOENT}, or {@code -EALREADY} for
     * one that is past stopping. The cancelled operation completes for itself, with {@code
     * -ECANCELED} as a rule.
     */
    public void cancel(long targetUserData, long userData) {
        prepare(Opcode.ASYNC_CANCEL, -1, 0, targetUserData, 0, 0, userData);
    }

    /** Prepares {@code IORING_OP_ASYNC_CANCEL} of all on a descriptor; the result counts them. */
    public void cancelFd(int fd, long userData) {
        int flags = IoUring.IORING_ASYNC_CANCEL_FD | IoUring.IORING_ASYNC_CANCEL_ALL;
        prepare(Opcode.ASYNC_CANCEL, fd, 0, 0, 0, flags, userData);
    }

    /**
     * Prepares {@code IORING_OP_MSG_RING}: a completion on another ring.
     *
     * @param targetRingFd {@link #fd} of that ring
     * @param result its completion's result
     * @param data its completion's user data
     */
    public void messageRing(int targetRingFd, int result, long data, long userData) {
        prepare(Opcode.MSG_RING, targetRingFd, data, IoUring.IORING_MSG_DATA, result, 0, userData);
    }

    /**
     * Prepares {@code IORING_OP_URING_CMD}, a command to a driver.
     *
     * @return the offset in {@link #sqes} of the command area, zeroed: 16 bytes, or 80 in a ring of
     *     128-byte entries
     */
    public long uringCommand(int fd, int commandOp, long userData) {
        long base =
                prepare(Opcode.URING_CMD, fd, Integer.toUnsignedLong(commandOp), 0, 0, 0, userData);
        if (submissions.entryBytes() == Sqe.BYTES_128) {
            Sqe.clearSecondHalf(sqes, base);
        }
        return base + Sqe.CMD;
    }

    private long prepare(
            Opcode opcode,
            int fd,
            long offset,
            long address,
            int length,
            int operationFlags,
            long userData) {
        assert isOwner();
        long base = submissions.next();
        if (base < 0) {
            reserve(1);
            base = submissions.next();
        }
        Sqe.fill(sqes, base, opcode.code(), fd, offset, address, length, operationFlags, userData);
        last = base;
        return base;
    }

    /**
     * Makes room for some entries, submitting what is prepared where they would not fit.
     *
     * @param count at most the size of the ring
     * @throws SubmissionQueueFullException when the kernel did not take enough
     */
    public void reserve(int count) {
        if (free() < count) {
            submit();
            if (free() < count) {
                throw new SubmissionQueueFullException(submissions.toString());
            }
        }
    }

    /** {@return how many entries have been prepared since the ring was opened; wraps at 2^32} */
    public int preparedSoFar() {
        return submissions.taken();
    }

    /** Sets the {@code IOSQE_...} flags of the entry prepared last, in place of those it had. */
    public void setSqeFlags(int flags) {
        Sqe.flags(sqes, prepared(), flags);
    }

    /** Sets {@code sqe->addr} of the entry prepared last. */
    public void setAddress(long value) {
        Sqe.address(sqes, prepared(), value);
    }

    /** Sets {@code sqe->len} of the entry prepared last. */
    public void setLength(int value) {
        Sqe.length(sqes, prepared(), value);
    }

    /** Sets the operation's own flags of the entry prepared last, such as those of a command. */
    public void setOperationFlags(int flags) {
        Sqe.operationFlags(sqes, prepared(), flags);
    }

    /** Sets the registered buffer of the entry prepared last. */
    public void setBufferIndex(int index) {
        Sqe.bufferIndex(sqes, prepared(), index);
    }

    /**
     * Gives the read or write prepared last attributes ({@code sqe->attr_ptr}).
     *
     * @param address where they are until it has been submitted
     * @param types which they are, such as {@link IoUring#IORING_RW_ATTR_FLAG_PI}
     */
    public void setAttributes(long address, long types) {
        Sqe.attributes(sqes, prepared(), address, types);
    }

    /** Has the entry prepared last take its buffer from a {@link BufferRing}. */
    public void selectBuffer(int group) {
        long base = prepared();
        Sqe.flags(sqes, base, Sqe.flags(sqes, base) | IoUring.IOSQE_BUFFER_SELECT);
        Sqe.bufferIndex(sqes, base, group);
    }

    private long prepared() {
        assert last >= 0 : "no entry has been prepared since the last submission";
        return last;
    }

    /** {@return the memory of all entries, for the command areas of {@link #uringCommand}} */
    public MemorySegment sqes() {
        return sqes;
    }

    /** {@return entries that can be prepared before a submission} */
    public int free() {
        return closed ? 0 : submissions.free();
    }

    /** {@return entries prepared and not taken by the kernel} */
    public int pendingSubmissions() {
        return closed ? 0 : submissions.pending();
    }

    /**
     * {@return an entry that is prepared and not taken by the kernel, to look at or to change}
     *
     * @param index below {@link #pendingSubmissions}, 0 for the one prepared first
     */
    public PreparedEntry preparedEntry(int index) {
        return new PreparedEntry(sqes, submissions.pending(index));
    }

    /** {@return completions waiting in the ring} */
    public int ready() {
        return closed ? 0 : completions.ready();
    }

    /**
     * {@return whether a call of {@link #submitAndWait(int)} with 0 would bring completions that
     * {@link #ready} does not show}
     *
     * <p>For an owner that spins. Without {@link RingOptions#taskrunFlag} it tells only of
     * completions that found no room.
     */
    public boolean needsEnter() {
        return !closed && submissions.needsEnter();
    }

    /**
     * Hands all prepared entries to the kernel, without waiting.
     *
     * <p>With {@link RingOptions#deferTaskrun} only those complete that need not wait for anything;
     * the others complete while {@link #submitAndWait(int)} is called.
     *
     * @return how many it took. {@code -EAGAIN} where it took none for want of memory, {@code
     *     -EBUSY} where it wants completions drained first: the entries stay, and the caller drains
     *     and submits again
     * @throws LinuxException for any other refusal of {@code io_uring_enter}
     */
    public int submit() {
        checkOpen();
        last = -1;
        return enter.submit();
    }

    /**
     * Hands all prepared entries to the kernel and blocks for completions.
     *
     * <p>Signals do not end the wait, nor does {@link Thread#interrupt}. Enough completions in the
     * ring and nothing to submit make it return without a call.
     *
     * @param minimum completions to wait for, at most as many as the ring holds; 0 gives the kernel
     *     the occasion to produce some, which {@link RingOptions#deferTaskrun} needs
     * @return as {@link #submit}
     * @throws LinuxException for any other refusal of {@code io_uring_enter}
     */
    public int submitAndWait(int minimum) {
        checkOpen();
        last = -1;
        return enough(minimum) ? 0 : enter.submitAndWait(minimum);
    }

    /**
     * Hands all prepared entries to the kernel and blocks for completions for a limited time.
     *
     * @param minimum as in {@link #submitAndWait(int)}
     * @param timeoutNanos at least 0
     * @return as {@link #submit}, or {@code -ETIME} when the time ran out first; the entries have
     *     been submitted then, and there may be some completions
     * @throws LinuxException for any other refusal of {@code io_uring_enter}
     */
    public int submitAndWait(int minimum, long timeoutNanos) {
        checkOpen();
        last = -1;
        return enough(minimum) ? 0 : enter.submitAndWait(minimum, timeoutNanos);
    }

    private boolean enough(int minimum) {
        return minimum > 0 && submissions.pending() == 0 && completions.ready() >= minimum;
    }

    /**
     * Hands over every completion that is there, and those that come meanwhile up to a bound.
     *
     * <p>Fetches what the kernel kept for want of room. It never blocks.
     *
     * @return how many completions were handed over; 0 on a closed ring
     */
    public int drain(CompletionHandler handler) {
        assert isOwner();
        int total = 0;
        for (int round = 0; round < DRAIN_ROUNDS && !closed; round++) {
            int count = completions.drain(handler);
            total += count;
            if (closed) {
                break;
            }
            if (submissions.overflown()) {
                enter.flush();
            } else if (count == 0) {
                break;
            }
        }
        return total;
    }

    /**
     * Registers files for entries with {@link IoUring#IOSQE_FIXED_FILE}.
     *
     * @param fds one for each slot, -1 for an empty one
     */
    public void registerFiles(int[] fds) {
        registration().files(fds);
    }

    /** Registers a table of empty file slots. */
    public void registerSparseFiles(int slots) {
        registration().sparseFiles(slots);
    }

    /** Puts a file into a slot; -1 empties it. */
    public void updateFile(int slot, int fd) {
        registration().updateFile(slot, fd);
    }

    /** Takes all files back. */
    public void unregisterFiles() {
        registration().unregisterFiles();
    }

    /**
     * Registers buffers for {@link #readFixed} and {@link #writeFixed}; the kernel pins their
     * pages.
     *
     * @param buffers native memory, each at most 1 GiB
     */
    public void registerBuffers(MemorySegment... buffers) {
        registration().buffers(buffers);
    }

    /** Registers a table of empty buffer slots, at most 16384. */
    public void registerSparseBuffers(int slots) {
        registration().sparseBuffers(slots);
    }

    /** Puts memory into a buffer slot. */
    public void updateBuffer(int slot, long address, long length) {
        registration().updateBuffer(slot, address, length, 0);
    }

    /**
     * Puts memory into a buffer slot and learns when the kernel has let go of it.
     *
     * @param releaseTag user data, not 0, of a completion that comes when the slot has changed and
     *     no operation uses the memory any more
     */
    public void updateBuffer(int slot, long address, long length, long releaseTag) {
        registration().updateBuffer(slot, address, length, releaseTag);
    }

    /** Empties a buffer slot; operations under way keep the memory. */
    public void clearBuffer(int slot) {
        registration().updateBuffer(slot, 0, 0, 0);
    }

    /** Takes all buffers back. */
    public void unregisterBuffers() {
        registration().unregisterBuffers();
    }

    /** Has every completion add one to an eventfd. */
    public void registerEventFd(int eventFd) {
        registration().eventFd(eventFd);
    }

    /** Ends {@link #registerEventFd}. */
    public void unregisterEventFd() {
        registration().unregisterEventFd();
    }

    /**
     * Opens a ring of buffers from which the kernel takes one when an operation needs it.
     *
     * @param group the number that {@link #selectBuffer} names, up to 65535
     * @param entries a power of two, at most 32768
     * @param incremental whether an operation uses up only as much of a buffer as it fills
     */
    public BufferRing openBufferRing(int group, int entries, boolean incremental) {
        return BufferRing.open(registration(), group, entries, incremental);
    }

    /**
     * Cancels all operations and waits until none of them can be cancelled any more.
     *
     * <p>Each still completes, with {@code -ECANCELED} as a rule, and must be drained.
     *
     * @param timeoutNanos how long to wait for those that are past stopping
     * @return whether none of those was left when the time ran out
     */
    public boolean cancelAll(long timeoutNanos) {
        return registration().cancelAll(timeoutNanos) != Errno.ETIME.negated();
    }

    private Registration registration() {
        checkOpen();
        return registration;
    }

    /** {@return the flags the ring was made with, {@code IORING_SETUP_...}} */
    public int setupFlags() {
        return setupFlags;
    }

    /** {@return completions that fit into the ring} */
    public int completionEntries() {
        return completions.entries();
    }

    /**
     * {@return the ring's descriptor, for {@link #messageRing} from another ring}
     *
     * @throws IllegalStateException after {@link #close}
     */
    public int fd() {
        if (closed) {
            throw new IllegalStateException("the ring is closed");
        }
        return fd.number();
    }

    private void checkOpen() {
        assert isOwner();
        if (closed) {
            throw new IllegalStateException("the ring is closed");
        }
    }

    private boolean isOwner() {
        return owner == null || owner == Thread.currentThread();
    }

    /**
     * Closes the ring; a second call does nothing.
     *
     * <p>The kernel cancels what is under way some time later. Memory that it may still write to
     * must not be freed before: cancel and drain first. Called by the owner, or by another thread
     * when the owner has ended.
     */
    @Override
    public void close() {
        assert isOwner() || (owner != null && !owner.isAlive()) : "closed under its owner";
        if (!closed) {
            closed = true;
            completions.close();
            // Else the ring would be open as long as its thread lives. It has none where that
            // ended.
            if (place >= 0 && owner == Thread.currentThread()) {
                registration.unregisterRingFd(place);
            }
            fd.close();
            arena.close();
        }
    }

    /**
     * {@return the state and what is pending, also from another thread and after {@link #close}}
     */
    @Override
    public String toString() {
        try {
            if (!closed) {
                return "Ring(%s, %s, %s)".formatted(fd, submissions, completions);
            }
        } catch (IllegalStateException e) {
            // Closed while we looked.
            assert closed : e;
        }
        return "Ring(" + fd + ")";
    }
}
