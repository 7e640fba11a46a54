package dev.ublk4j.cli.copy;

import dev.ublk4j.cli.output.Failure;
import dev.ublk4j.embedded.EmbeddedDriver;
import dev.ublk4j.server.AllocationMap;
import dev.ublk4j.server.Extents;
import dev.ublk4j.server.Geometry;
import dev.ublk4j.server.Target;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Copies all of a target to another, several pieces at a time. What holds nothing, and what is all
 * zero, takes no space on the destination, as far as that can give it back.
 *
 * <p>With a journal a copy that has ended early goes on where it was. About every second the
 * destination is flushed, and the journal then says that all before the first piece under way is
 * there.
 */
public final class Copier implements AutoCloseable {
    private static final long TICK_MILLIS = 1000;

    /** How much of the destination's map is asked for at a time. */
    private static final long WINDOW = 1L << 40;

    private final CopySide source;
    private final CopySide destination;
    private final int workers;
    private final AtomicLong written = new AtomicLong();
    private volatile @Nullable CopyPlan current;
    private volatile boolean cancelled;

    /**
     * How far it is.
     *
     * @param phase what is done: {@code copy} or {@code verify}
     * @param done bytes of the source that are done, those of an earlier copy included
     * @param earlier bytes that were done when it went on
     * @param size bytes of the source
     * @param data bytes that have been written, the rest being zeroes
     * @param nanos since it began
     */
    public record Progress(
            String phase, long done, long earlier, long size, long data, long nanos) {
        /** {@return bytes a second since it began} */
        public long rate() {
            return nanos == 0 ? 0 : (long) ((done - earlier) * 1e9 / nanos);
        }

        /** {@return seconds that are left at that rate, -1 where nobody can tell} */
        public long secondsLeft() {
            long rate = rate();
            return rate == 0 ? -1 : Math.ceilDiv(size - done, rate);
        }
    }

    private Copier(CopySide source, CopySide destination, int workers) {
        this.source = source;
        this.destination = destination;
        this.workers = workers;
    }

    /**
     * Takes two targets.
     *
     * @param source closed with this, also when this fails
     * @param destination opened when the source has been; closed with this
     * @param workers how many pieces are under way at a time
     * @throws Failure when the one does not fit on the other
     */
    public static Copier of(
            String sourceName,
            Target source,
            String destinationName,
            Supplier<Target> destination,
            int workers) {
        EmbeddedDriver driver = EmbeddedDriver.create();
        CopySide from = CopySide.open(driver, sourceName, source);
        try {
            CopySide to = CopySide.open(driver, destinationName, destination.get());
            try {
                requireFit(from, to);
                return new Copier(from, to, workers);
            } catch (Throwable e) {
                to.close();
                throw e;
            }
        } catch (Throwable e) {
            from.close();
            throw e;
        }
    }

    private static void requireFit(CopySide from, CopySide to) {
        long size = from.device().geometry().size();
        Geometry room = to.device().geometry();
        if (room.readOnly()) {
            throw new Failure(to.name() + " is read-only");
        }
        if (room.size() < size) {
            throw new Failure(
                    "%s has %d bytes, fewer than the %d of %s"
                            .formatted(to.name(), room.size(), size, from.name()));
        }
        if (size % room.logicalBlockSize() != 0) {
            throw new Failure(
                    "the %d bytes of %s are no whole number of the blocks of %s, %d bytes each"
                            .formatted(size, from.name(), to.name(), room.logicalBlockSize()));
        }
    }

    private CopyPlan plan(long begin) {
        int block =
                Math.max(
                        source.device().geometry().logicalBlockSize(),
                        destination.device().geometry().logicalBlockSize());
        return new CopyPlan(source.map(), begin, size(), block);
    }

    private long size() {
        return source.device().geometry().size();
    }

    /**
     * Copies.
     *
     * @param journal null for none
     * @param resume whether the journal says where to go on
     * @param listener told about every second
     * @return how it has ended: all is done, unless it was {@linkplain #cancel cancelled} before
     * @throws Failure when the one cannot be read, or the other written
     */
    public Progress copy(@Nullable CopyJournal journal, boolean resume, Consumer<Progress> listener)
            throws IOException {
        CopyJournal.State state =
                new CopyJournal.State(source.name(), destination.name(), size(), isBlank(), 0);
        if (journal != null) {
            if (resume) {
                CopyJournal.State found = journal.resume(state);
                // A destination that holds nothing is another one than the journal's, made anew.
                state = state.blank() ? state : found;
            } else {
                journal.requireNone();
                journal.write(state);
            }
        }
        long earlier = state.done();
        boolean blank = state.blank();
        CopyJournal.State began = state;
        CopyPlan plan = plan(earlier);
        run(
                "copy",
                plan,
                earlier,
                blank,
                (worker, piece) -> {
                    long _ = written.addAndGet(worker.copy(piece));
                },
                progress -> {
                    if (journal != null) {
                        note(plan, journal, began);
                    }
                    listener.accept(progress);
                });
        note(plan, journal, began);
        if (journal != null && plan.isComplete()) {
            journal.delete();
        }
        return progress("copy", plan, earlier, 0);
    }

    private void note(CopyPlan plan, @Nullable CopyJournal journal, CopyJournal.State state)
            throws IOException {
        // In this order: what the journal tells of is durable.
        long mark = plan.mark();
        destination.check("flush", mark, destination.disk().flush());
        if (journal != null) {
            journal.write(state.withDone(mark));
        }
    }

    /**
     * Compares the two.
     *
     * @return how it has ended: all was compared, unless it was {@linkplain #cancel cancelled}
     *     before
     * @throws Failure when they differ, with the first place that was found
     */
    public Progress verify(Consumer<Progress> listener) throws IOException {
        CopyPlan plan = plan(0);
        run("verify", plan, 0, false, CopyWorker::verify, listener::accept);
        return progress("verify", plan, 0, 0);
    }

    /** {@return whether the destination holds nothing, and says so} */
    private boolean isBlank() {
        AllocationMap map = destination.map();
        for (long at = 0; map != null && at < size(); ) {
            Extents extents = new Extents(1);
            map.describe(at, Math.min(WINDOW, size() - at), extents);
            if (extents.count() != 1 || extents.isData(0)) {
                return false;
            }
            at += extents.described();
        }
        return map != null;
    }

    /** Something done with a piece. */
    private interface Work {
        void on(CopyWorker worker, CopyPlan.Piece piece);
    }

    /** What is done every second. */
    private interface Tick {
        void at(Progress progress) throws IOException;
    }

    private void run(String phase, CopyPlan plan, long earlier, boolean blank, Work work, Tick tick)
            throws IOException {
        long began = System.nanoTime();
        AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
        current = plan;
        if (cancelled) {
            plan.stop();
        }
        List<Thread> threads = new ArrayList<>();
        try {
            for (int i = 0; i < workers; i++) {
                threads.add(
                        Thread.ofPlatform()
                                .name(phase + "-" + i)
                                .start(() -> work(plan, blank, work, failure)));
            }
            while (awaitTick(threads)) {
                tick.at(progress(phase, plan, earlier, System.nanoTime() - began));
            }
        } finally {
            plan.stop();
            awaitAll(threads);
        }
        Throwable failed = failure.get();
        if (failed != null) {
            switch (failed) {
                // As they are: whoever tells a person of them knows what to say.
                case RuntimeException known -> throw known;
                case Error error -> throw error;
                default -> throw new IllegalStateException("a copy has failed", failed);
            }
        }
        tick.at(progress(phase, plan, earlier, System.nanoTime() - began));
    }

    private Progress progress(String phase, CopyPlan plan, long earlier, long nanos) {
        return new Progress(
                phase, earlier + plan.finished(), earlier, size(), written.get(), nanos);
    }

    private void work(
            CopyPlan plan, boolean blank, Work work, AtomicReference<@Nullable Throwable> failure) {
        try (CopyWorker worker = new CopyWorker(source, destination, blank)) {
            CopyPlan.Piece piece = plan.next();
            while (piece != null) {
                work.on(worker, piece);
                plan.done(piece);
                piece = plan.next();
            }
        } catch (Throwable e) {
            plan.stop();
            boolean _ = failure.compareAndSet(null, e);
        }
    }

    /** {@return whether there is more to wait for} */
    private static boolean awaitTick(List<Thread> threads) {
        long end = System.nanoTime() + TICK_MILLIS * 1_000_000;
        try {
            for (Thread thread : threads) {
                long left = Math.max(1, (end - System.nanoTime()) / 1_000_000);
                thread.join(left);
                if (thread.isAlive()) {
                    return true;
                }
            }
            return false;
        } catch (InterruptedException e) {
            throw new IllegalStateException("nobody interrupts this thread", e);
        }
    }

    private static void awaitAll(List<Thread> threads) {
        boolean interrupted = false;
        for (Thread thread : threads) {
            while (thread.isAlive()) {
                try {
                    thread.join();
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    /** Has it end after the pieces that are under way; from any thread. */
    public void cancel() {
        cancelled = true;
        CopyPlan plan = current;
        if (plan != null) {
            plan.stop();
        }
    }

    @Override
    public void close() {
        try {
            destination.close();
        } finally {
            source.close();
        }
    }
}
