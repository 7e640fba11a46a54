package dev.ublk4j.testkit;

import dev.ublk4j.embedded.DiskRequest;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.server.DeviceOptions;
import dev.ublk4j.server.Target;
import dev.ublk4j.testkit.DiskOp.Kind;
import dev.ublk4j.testkit.fault.Fault;
import dev.ublk4j.testkit.fault.FaultPoint;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** One sequence of steps on one target, compared with a model at each answer. */
final class Exercise implements AutoCloseable {
    /** Requests in flight at a time; those that touch the same bytes are never together. */
    private static final int IN_FLIGHT = 6;

    /** Between the pieces of a request, so that they do not lie next to each other. */
    private static final int GAP = 4096;

    private static final int SLOT_BYTES = DiskOp.MAX_BYTES + DiskOp.MAX_PIECES * GAP;
    private static final int SHUFFLE_WINDOW = 4;

    private final Supplier<? extends Target> targets;
    private final DeviceOptions options;
    private final DiskOp.Source source;
    private final @Nullable DiskModel model;
    private final Deque<Request> inFlight = new ArrayDeque<>();
    private final Deque<Integer> freeSlots = new ArrayDeque<>();
    private final List<Fault> errors = new ArrayList<>();
    private int failures;

    /** Flushes and durable writes that failed since the last start. */
    private int durableFailures;

    private TestBed bed;
    private MemorySegment own;
    private SharedArea shared;

    /** A request and where its data is. */
    private record Request(DiskOp op, int slot, List<MemorySegment> pieces, InFlight submitted) {}

    Exercise(
            Supplier<? extends Target> targets,
            DeviceOptions options,
            DiskOp.Source source,
            boolean keepsData) {
        this.targets = targets;
        this.options = options;
        this.source = source;
        this.model = keepsData ? new DiskModel(source.span()) : null;
        for (int slot = 0; slot < IN_FLIGHT; slot++) {
            freeSlots.add(slot);
        }
        bed = TestBed.of(targets.get(), options);
        own = bed.memory((long) SLOT_BYTES * IN_FLIGHT);
        shared = bed.share((long) SLOT_BYTES * IN_FLIGHT);
    }

    /** Does the steps, and reads everything at the end. */
    void run(List<DiskOp> steps) {
        for (DiskOp step : steps) {
            if (step.kind().isRequest()) {
                makeRoomFor(step);
                submit(step);
            } else if (step.kind() == Kind.RESTART) {
                finish();
                failures += explained();
                durableFailures = 0;
                bed.close();
                start();
            } else {
                spoil(step);
            }
        }
        finish();
        bed.faults().clear();
        for (long at = 0; at < source.span(); at += DiskOp.MAX_BYTES) {
            int length = (int) Math.min(DiskOp.MAX_BYTES, source.span() - at);
            DiskOp read = new DiskOp(Kind.READ, at, length, 1, false, 0);
            makeRoomFor(read);
            submit(read);
        }
        finish();
    }

    private void start() {
        bed = TestBed.of(targets.get(), options);
        own = bed.memory((long) SLOT_BYTES * IN_FLIGHT);
        shared = bed.share((long) SLOT_BYTES * IN_FLIGHT);
    }

    private void spoil(DiskOp step) {
        FaultPoint point = bed.faults().anyIo();
        switch (step.kind()) {
            case FAIL -> errors.add(point.nth(step.pieces()).fail(Errno.EIO));
            case SHORTEN -> point.nth(step.pieces()).shorten(source.unit());
            default -> point.shuffle(SHUFFLE_WINDOW);
        }
    }

    private void makeRoomFor(DiskOp step) {
        while (freeSlots.isEmpty()
                || inFlight.stream().anyMatch(request -> request.op().conflicts(step))) {
            settle(inFlight.remove());
        }
    }

    private void finish() {
        while (!inFlight.isEmpty()) {
            settle(inFlight.remove());
        }
        int struck = errors.stream().mapToInt(Fault::struck).sum();
        int failed = failures + explained();
        if (failed > struck) {
            throw new AssertionError(
                    "%d requests failed, and %d I/Os were made to".formatted(failed, struck));
        }
    }

    /** What fails to make data durable may go on to fail: one fault explains all of them. */
    private int explained() {
        return Math.min(durableFailures, 1);
    }

    private void submit(DiskOp step) {
        int slot = freeSlots.remove();
        List<MemorySegment> pieces = new ArrayList<>();
        InFlight submitted =
                bed.submit(
                        request -> fill(request, step, slot, pieces), slot % bed.disk().queues());
        inFlight.add(new Request(step, slot, pieces, submitted));
    }

    private void fill(DiskRequest request, DiskOp step, int slot, List<MemorySegment> pieces) {
        switch (step.kind()) {
            case READ -> request.read(step.position());
            case WRITE -> {
                if (step.option()) {
                    request.writeThrough(step.position());
                } else {
                    request.write(step.position());
                }
            }
            case FLUSH -> request.flush();
            case DISCARD -> request.discard(step.position(), step.length());
            default -> request.writeZeroes(step.position(), step.length(), !step.option());
        }
        if (step.kind() == Kind.READ || step.kind() == Kind.WRITE) {
            addData(request, step, slot, pieces);
        }
    }

    private void addData(DiskRequest request, DiskOp step, int slot, List<MemorySegment> pieces) {
        byte[] data = DiskModel.data(step.seed(), step.length());
        int unit = source.unit();
        int each = Math.max(1, step.length() / unit / step.pieces()) * unit;
        long offset = (long) slot * SLOT_BYTES;
        int done = 0;
        for (int piece = 0; piece < step.pieces(); piece++) {
            int bytes = piece == step.pieces() - 1 ? step.length() - done : each;
            MemorySegment memory = (step.isShared() ? shared.memory() : own).asSlice(offset, bytes);
            if (step.kind() == Kind.WRITE) {
                memory.copyFrom(MemorySegment.ofArray(data).asSlice(done, bytes));
            } else {
                memory.fill((byte) 0xa5);
            }
            if (step.isShared()) {
                request.add(shared.client(), offset, bytes);
            } else {
                request.add(memory);
            }
            pieces.add(memory);
            done += bytes;
            offset += bytes + GAP;
        }
    }

    private void settle(Request request) {
        long result = request.submitted().result();
        freeSlots.add(request.slot());
        DiskOp op = request.op();
        if (result < 0) {
            boolean durable = op.kind() == Kind.FLUSH || (op.kind() == Kind.WRITE && op.option());
            if (durable) {
                durableFailures++;
            } else {
                failures++;
            }
            if (errors.isEmpty()) {
                throw new AssertionError(op + " failed with " + Errno.of((int) -result));
            }
        } else if (result != (op.kind() == Kind.FLUSH ? 0 : op.length())) {
            throw new AssertionError(op + " answered " + result);
        }
        if (model != null) {
            compare(model, request, result >= 0);
        }
    }

    private static void compare(DiskModel model, Request request, boolean succeeded) {
        DiskOp op = request.op();
        if (op.kind() == Kind.READ) {
            if (succeeded) {
                model.check(op.position(), DiskModel.gather(request.pieces(), op.length()));
            }
        } else if (op.kind() != Kind.FLUSH) {
            if (!succeeded || op.kind() == Kind.DISCARD) {
                model.forgotten(op.position(), op.length());
            } else if (op.kind() == Kind.WRITE) {
                model.written(op.position(), DiskModel.data(op.seed(), op.length()));
            } else {
                model.zeroed(op.position(), op.length());
            }
        }
    }

    @Override
    public void close() {
        bed.close();
    }
}
