package dev.ublk4j.layers;

import dev.ublk4j.linux.Errno;
import dev.ublk4j.server.AllocationMap;
import dev.ublk4j.server.Completion;
import dev.ublk4j.server.Extents;
import dev.ublk4j.server.Geometry;
import dev.ublk4j.server.Queue;
import dev.ublk4j.server.Request;
import dev.ublk4j.server.Resizable;
import dev.ublk4j.server.RingHandler;
import dev.ublk4j.server.Target;
import dev.ublk4j.server.TargetQueue;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.System.Logger.Level;
import java.lang.foreign.Arena;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * The same data on several targets (RAID 1): lost when all of them are.
 *
 * <p>A change goes to every leg and has succeeded when one that is in step has taken it. A leg that
 * fails a request which another serves is marked in the {@link MirrorLog} before that request
 * completes, and gets no more of them: what it holds is old. The last leg in step is never marked;
 * its errors are the device's.
 *
 * <p>{@link #resync} brings a leg back in step, on the thread of queue 0 and beside requests: a
 * window at a time is copied to it, and changes of that window wait meanwhile. A mirror that was
 * not closed does that at its start, because legs may differ where changes were under way.
 */
public final class Mirror extends Layer {
    private static final System.Logger LOG = System.getLogger(Mirror.class.getName());

    /** How long a change of a window that is being copied waits before it tries again. */
    private static final long RETRY_NANOS = 100_000;

    /** What a leg is good for. */
    public enum LegState {
        /** It is read and written. */
        IN_STEP,
        /** It is written, and being copied to. */
        SYNCING,
        /** Nothing goes there. */
        FAILED
    }

    private final MirrorLog log;
    private final AtomicReferenceArray<LegState> states;
    private final WriteBarrier barrier = new WriteBarrier();
    private volatile long size;

    /** The queue that copies; null before it is opened. */
    private volatile @Nullable MirrorQueue copier;

    /**
     * Mirrors targets of one size.
     *
     * @param legs belong to the mirror from now on, also when this throws
     * @throws IllegalArgumentException when the legs differ in size or blocks, or all have failed
     * @throws UncheckedIOException when the log cannot be written
     */
    public Mirror(List<? extends Target> legs, MirrorLog log) {
        super(legs, geometries -> geometry(geometries, log));
        this.log = log;
        this.size = geometry().size();
        this.states = new AtomicReferenceArray<>(legs.size());
        boolean mayDiffer = log.wasOpen();
        int source = firstInStep(legs.size(), log);
        for (int i = 0; i < legs.size(); i++) {
            LegState state =
                    log.hasFailed(i)
                            ? LegState.FAILED
                            : mayDiffer && i != source ? LegState.SYNCING : LegState.IN_STEP;
            states.set(i, state);
        }
    }

    private static Geometry geometry(List<Geometry> legs, MirrorLog log) {
        Legs.requireAtLeast("mirror", 2, legs);
        Legs.requireSame("mirror", legs, "", Geometry::size);
        if (log.legs() > legs.size()) {
            throw new IllegalArgumentException(
                    "mirror: its log knows %d targets, and here are %d"
                            .formatted(log.legs(), legs.size()));
        }
        int source = firstInStep(legs.size(), log);
        Geometry geometry = Legs.common("mirror", legs, legs.get(source).size());
        try {
            if (!geometry.readOnly()) {
                log.setOpen(true);
            }
        } catch (IOException e) {
            throw new UncheckedIOException("mirror: its log cannot be written: " + e, e);
        }
        return geometry;
    }

    private static int firstInStep(int count, MirrorLog log) {
        return IntStream.range(0, count)
                .filter(leg -> !log.hasFailed(leg))
                .findFirst()
                .orElseThrow(() ->
                        new IllegalArgumentException("mirror: all of its targets have failed"));
    }

    /** {@return what each leg is good for, in their order}; from any thread */
    public List<LegState> states() {
        return IntStream.range(0, states.length()).mapToObj(states::get).toList();
    }

    /**
     * Begins to bring a leg that has failed back in step; from any thread.
     *
     * @param leg from 0 on
     * @throws IllegalStateException when it has not failed
     */
    public void resync(int leg) {
        Objects.checkIndex(leg, states.length());
        if (!states.compareAndSet(leg, LegState.FAILED, LegState.SYNCING)) {
            throw new IllegalStateException(
                    "leg %d of the mirror is %s".formatted(leg + 1, states.get(leg)));
        }
        MirrorQueue queue = copier;
        if (queue != null) {
            queue.queue.execute(queue::syncNext);
        }
    }

    /**
     * Notes that a leg has failed, unless it is the last in step.
     *
     * @return whether another can stand for it; not where that cannot be noted
     */
    private synchronized boolean fail(int leg, int result) {
        if (states.get(leg) == LegState.FAILED) {
            return true;
        }
        boolean last =
                states.get(leg) == LegState.IN_STEP
                        && states().stream().filter(LegState.IN_STEP::equals).count() == 1;
        if (last) {
            return false;
        }
        states.set(leg, LegState.FAILED);
        LOG.log(
                Level.ERROR,
                () ->
                        "leg %d of the mirror has failed with errno %d and gets no more requests"
                                .formatted(leg + 1, -result));
        try {
            log.setFailed(leg, true);
            return true;
        } catch (IOException e) {
            LOG.log(Level.ERROR, "the mirror's log cannot be written", e);
            return false;
        }
    }

    private synchronized void inStep(int leg) {
        if (states.get(leg) != LegState.SYNCING) {
            return;
        }
        try {
            log.setFailed(leg, false);
            states.set(leg, LegState.IN_STEP);
            LOG.log(Level.INFO, () -> "leg %d of the mirror is in step".formatted(leg + 1));
        } catch (IOException e) {
            states.set(leg, LegState.FAILED);
            LOG.log(Level.ERROR, "the mirror's log cannot be written", e);
        }
    }

    /** {@return a leg to read from, from a place in their order on} */
    private int readable(int from) {
        for (int i = 0; i < states.length(); i++) {
            int leg = (from + i) % states.length();
            if (states.get(leg) == LegState.IN_STEP) {
                return leg;
            }
        }
        throw new IllegalStateException("no leg of the mirror is in step");
    }

    /** {@return whether a leg refuses what it never could do, rather than failing} */
    private static boolean isRefusal(int result) {
        return result == Errno.EOPNOTSUPP.negated() || result == Errno.EINVAL.negated();
    }

    @Override
    protected TargetQueue open(Queue queue, List<TargetQueue> below) {
        MirrorQueue opened = new MirrorQueue(queue, below.toArray(TargetQueue[]::new));
        if (queue.id() == 0) {
            copier = opened;
            queue.execute(opened::syncNext);
        }
        return opened;
    }

    /** The mirror on one queue. */
    private final class MirrorQueue implements TargetQueue {
        private final Queue queue;
        private final TargetQueue[] legs;
        private final Completion[] whenRead;
        private final Completion[] whenChanged;
        private final Completion[] whenFlushed;
        private final RingHandler retry = this::retry;
        private final Arena arena = Arena.ofShared();
        private final Copying copying;

        /** The leg that is being copied to, or -1, and how far. */
        private int syncing = -1;

        private long position;

        MirrorQueue(Queue queue, TargetQueue[] legs) {
            this.queue = queue;
            this.legs = legs;
            this.whenRead = new Completion[legs.length];
            this.whenChanged = new Completion[legs.length];
            this.whenFlushed = new Completion[legs.length];
            this.copying = new Copying(queue, barrier, arena.allocate(WriteBarrier.WINDOW, 4096));
            for (int i = 0; i < legs.length; i++) {
                int leg = i;
                whenRead[i] = (part, result) -> read(leg, part, result);
                whenChanged[i] = (part, result) -> changed(leg, part, result);
                whenFlushed[i] = (_, result) -> flushed(leg, result);
            }
        }

        @Override
        public void submit(Request request) {
            switch (request.operation()) {
                case READ -> {
                    int leg = readable(queue.id() % legs.length);
                    request.part(0, request.length()).then(whenRead[leg]).submitTo(legs[leg]);
                }
                case FLUSH -> flush(request);
                case WRITE, DISCARD, WRITE_ZEROES -> change(request);
            }
        }

        private int read(int leg, Request part, int result) {
            if (result >= 0 || isRefusal(result) || !fail(leg, result)) {
                return result;
            }
            int next = readable(leg);
            part.parent().part(0, part.length()).then(whenRead[next]).submitTo(legs[next]);
            return 0;
        }

        private void change(Request request) {
            if (barrier.enter(request.offset(), request.end())) {
                sendToAll(request);
                barrier.leave(request.offset(), request.end());
            } else {
                queue.delay(request, RETRY_NANOS, retry);
            }
        }

        private void retry(Request request, int result) {
            if (result < 0) {
                request.complete(result);
            } else {
                change(request);
            }
        }

        private void sendToAll(Request request) {
            for (int leg = 0; leg < legs.length; leg++) {
                if (states.get(leg) != LegState.FAILED) {
                    barrier.hold(request.offset(), request.end());
                    request.part(0, request.length()).then(whenChanged[leg]).submitTo(legs[leg]);
                }
            }
        }

        private int changed(int leg, Request part, int result) {
            barrier.leave(part.offset(), part.end());
            return flushed(leg, result);
        }

        private void flush(Request request) {
            for (int leg = 0; leg < legs.length; leg++) {
                if (states.get(leg) != LegState.FAILED) {
                    request.part(0, 0).then(whenFlushed[leg]).submitTo(legs[leg]);
                }
            }
        }

        private int flushed(int leg, int result) {
            return result >= 0 || isRefusal(result) || !fail(leg, result) ? result : 0;
        }

        /** Begins with the next leg that is to be copied to, unless one is. */
        private void syncNext() {
            for (int leg = 0; leg < legs.length && syncing < 0; leg++) {
                if (states.get(leg) == LegState.SYNCING) {
                    syncing = leg;
                    position = 0;
                    syncWindow();
                }
            }
        }

        private void syncWindow() {
            if (queue.isLeaving() || states.get(syncing) != LegState.SYNCING) {
                stopSyncing();
            } else if (position < size) {
                int bytes = (int) Math.min(WriteBarrier.WINDOW, size - position);
                copying.copy(legs[readable(0)], legs[syncing], position, bytes, this::windowCopied);
            } else {
                copying.flush(legs[syncing], this::allCopied);
            }
        }

        private void windowCopied(int result) {
            if (result < 0) {
                boolean _ = queue.isLeaving() || fail(syncing, result);
                stopSyncing();
            } else {
                position += WriteBarrier.WINDOW;
                syncWindow();
            }
        }

        private void allCopied(int result) {
            if (result >= 0) {
                inStep(syncing);
            } else if (!queue.isLeaving()) {
                boolean _ = fail(syncing, result);
            }
            stopSyncing();
        }

        private void stopSyncing() {
            barrier.unblock();
            syncing = -1;
            if (!queue.isLeaving()) {
                syncNext();
            }
        }

        @Override
        public void close() {
            if (!queue.hasIoLeft()) {
                arena.close();
            }
        }
    }

    @Override
    public <A> @Nullable A ability(Class<A> type) {
        if (type == Resizable.class && all(Resizable.class)) {
            return type.cast((Resizable) this::resize);
        }
        if (type == AllocationMap.class && all(AllocationMap.class)) {
            return type.cast((AllocationMap) this::describe);
        }
        return super.ability(type);
    }

    private boolean all(Class<?> type) {
        return legs().stream().allMatch(leg -> leg.ability(type) != null);
    }

    private void describe(long offset, long length, Extents extents) {
        Target leg = legs().get(readable(0));
        Objects.requireNonNull(leg.ability(AllocationMap.class)).describe(offset, length, extents);
    }

    private void resize(long bytes) {
        if (!states().stream().allMatch(LegState.IN_STEP::equals)) {
            throw new UnsupportedOperationException(
                    "a mirror whose targets are not all in step keeps its size");
        }
        Resizing.all(legs(), bytes, size);
        size = bytes;
    }

    /** Closes the legs, and notes that they are in step. */
    @Override
    public void close() {
        super.close();
        try {
            if (!geometry().readOnly()) {
                log.setOpen(false);
            }
        } catch (IOException e) {
            LOG.log(Level.ERROR, "the mirror's log cannot be written; it will be synced", e);
        }
    }
}
