package dev.ublk4j.conformance.lane;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.ublk4j.conformance.lane.ClientArea.Piece;
import dev.ublk4j.linux.Fd;
import dev.ublk4j.linux.call.Syscall;
import dev.ublk4j.uapi.IoOp;
import dev.ublk4j.uring.CompletionHandler;
import dev.ublk4j.uring.Fallocate;
import dev.ublk4j.uring.IoUring;
import dev.ublk4j.uring.Ring;
import dev.ublk4j.uring.RingOptions;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/** A thread that does one operation at a time on a block device. */
final class KernelClient implements CompletionHandler {
    /** {@code BLKDISCARD} of {@code linux/fs.h}. */
    private static final long BLKDISCARD = 0x1277L;

    /** {@code RWF_DSYNC} of {@code linux/fs.h}. */
    private static final int RWF_DSYNC = 2;

    // struct io_uring_attr_pi of linux/io_uring.h.
    private static final int PROTECTION_LENGTH = 4;
    private static final int PROTECTION_ADDRESS = 8;
    private static final int PROTECTION_SEED = 16;
    private static final int PROTECTION_BYTES = 32;

    private static final int STOP_MILLIS = 30_000;

    /**
     * What the thread is to do.
     *
     * @param io the operation, or null to end
     * @param started completed when the kernel has it, as far as that can be told
     */
    private record Job(
            @Nullable Io io, CompletableFuture<Long> answer, CompletableFuture<Void> started) {
        Job(@Nullable Io io) {
            this(io, new CompletableFuture<>(), new CompletableFuture<>());
        }
    }

    private final Fd fd;
    private final SynchronousQueue<Job> jobs = new SynchronousQueue<>();
    private final AtomicBoolean busy = new AtomicBoolean();
    private final Thread thread;
    private long result;

    KernelClient(Fd fd) {
        this.fd = fd;
        this.thread =
                Thread.ofPlatform().daemon().name("client of " + fd.name()).start(this::serve);
    }

    /** {@return the answer to come, or null when the thread has something to do} */
    @Nullable CompletableFuture<Long> tryStart(Io io) {
        if (!busy.compareAndSet(false, true)) {
            return null;
        }
        Job job = new Job(io);
        hand(job);
        job.started.join();
        return job.answer;
    }

    private void hand(Job job) {
        try {
            jobs.put(job);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError("interrupted", e);
        }
    }

    /** Ends the thread, once its operation has ended. */
    void close() {
        Pause.until("the last request on " + fd.name() + " ends", () -> !busy.get());
        hand(new Job(null));
        try {
            thread.join(STOP_MILLIS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError("interrupted", e);
        }
    }

    private void serve() {
        try (Ring ring = Ring.open(RingOptions.defaults().withEntries(4))) {
            while (true) {
                Job job = jobs.take();
                if (job.io == null) {
                    return;
                }
                try (Arena arena = Arena.ofConfined()) {
                    long answer = perform(ring, job.io, job.started, arena);
                    busy.set(false);
                    job.answer.complete(answer);
                }
            }
        } catch (InterruptedException e) {
            throw new AssertionError("nobody interrupts a client", e);
        }
    }

    private long perform(Ring ring, Io io, CompletableFuture<Void> started, Arena arena) {
        if (io.pieces().isEmpty()) {
            started.complete(null);
        }
        return switch (io.op()) {
            case IoOp.UBLK_IO_OP_READ, IoOp.UBLK_IO_OP_WRITE -> transfer(ring, io, started, arena);
            case IoOp.UBLK_IO_OP_FLUSH -> Syscall.call(Syscall.Call.FDATASYNC, fd.number(), 0, 0);
            case IoOp.UBLK_IO_OP_DISCARD -> {
                MemorySegment range = arena.allocateFrom(JAVA_LONG, io.position(), io.length());
                yield bytes(io, fd.ioctl(BLKDISCARD, range));
            }
            case IoOp.UBLK_IO_OP_WRITE_ZEROES -> bytes(io, writeZeroes(io));
            default -> throw new IllegalArgumentException(io.toString());
        };
    }

    private static long bytes(Io io, long answer) {
        return answer == 0 ? io.length() : answer;
    }

    private long writeZeroes(Io io) {
        int mode = io.mayUnmap() ? Fallocate.FALLOC_FL_PUNCH_HOLE : Fallocate.FALLOC_FL_ZERO_RANGE;
        return Syscall.call(
                Syscall.Call.FALLOCATE,
                fd.number(),
                mode | Fallocate.FALLOC_FL_KEEP_SIZE,
                io.position(),
                io.length());
    }

    private long transfer(Ring ring, Io io, CompletableFuture<Void> started, Arena arena) {
        MemorySegment vector = arena.allocate(JAVA_LONG, 2L * io.pieces().size());
        long at = 0;
        for (Piece piece : io.pieces()) {
            vector.setAtIndex(JAVA_LONG, at++, piece.memory().address());
            vector.setAtIndex(JAVA_LONG, at++, piece.length());
        }
        int count = io.pieces().size();
        if (io.op() == IoOp.UBLK_IO_OP_READ) {
            ring.readVector(fd.number(), vector.address(), count, io.position(), 0);
        } else {
            ring.writeVector(fd.number(), vector.address(), count, io.position(), 0);
            if (io.durable()) {
                ring.setOperationFlags(RWF_DSYNC);
            }
        }
        if (io.metadata() != null) {
            ring.setAttributes(protection(io.metadata(), arena), IoUring.IORING_RW_ATTR_FLAG_PI);
        }
        ring.submit();
        started.complete(null);
        do {
            ring.submitAndWait(1);
        } while (ring.drain(this) == 0);
        return result;
    }

    /**
     * {@return the address of a {@code struct io_uring_attr_pi}} It asks for no check: that would
     * be the device's.
     */
    private static long protection(Io.Metadata metadata, Arena arena) {
        MemorySegment attribute = arena.allocate(PROTECTION_BYTES, Long.BYTES);
        attribute.set(JAVA_INT, PROTECTION_LENGTH, (int) metadata.memory().byteSize());
        attribute.set(JAVA_LONG, PROTECTION_ADDRESS, metadata.memory().address());
        attribute.set(JAVA_LONG, PROTECTION_SEED, metadata.seed());
        return attribute.address();
    }

    @Override
    public void onCompletion(long userData, int answer, int flags) {
        result = answer;
    }
}
