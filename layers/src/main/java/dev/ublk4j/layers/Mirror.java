package dev.ublk4j.layers;

import dev.ublk4j.server.AllocationMap;
import dev.ublk4j.server.Extents;
import dev.ublk4j.server.Geometry;
import dev.ublk4j.server.Queue;
import dev.ublk4j.server.Resizable;
import dev.ublk4j.server.Target;
import dev.ublk4j.server.TargetQueue;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Objects;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * The same data on several targets (RAID 1): lost when all of them are.
 *
 * <p>A change goes to every leg and has succeeded when one that is in step has taken it. A leg that
 * fails a request which another serves is marked in the {@link MirrorLog} before that request
 * completes, and gets no more of them: what it holds is old. Where the log cannot be written,
 * changes fail until it can. The last leg in step is never marked; its errors are the device's.
 *
 * <p>{@link #resync} brings a leg back in step, on the thread of queue 0 and beside requests: a
 * window at a time is copied to it, and changes of that window wait meanwhile. A mirror that was
 * not closed does that at its start, because legs may differ where changes were under way.
 *
 * <p>Writes that overlap and are under way at the same time may reach the legs in different orders,
 * and leave them different there. File systems and databases do not send such writes.
 */
public final class Mirror extends Layer {
    /** What a leg is good for. */
    public enum LegState {
        /** It is read and written. */
        IN_STEP,
        /** It is written, and being copied to. */
        SYNCING,
        /** Nothing goes there. */
        FAILED
    }

    private final MirrorLegs states;
    private final WriteBarrier barrier = new WriteBarrier();
    private volatile long size;

    /** The queue that copies; null before it is opened, and when it has ended. */
    private volatile @Nullable MirrorQueue copier;

    private volatile boolean closed;

    /**
     * Mirrors targets of one size.
     *
     * @param legs belong to the mirror from now on, also when this throws
     * @param log belongs to the mirror from now on, also when this throws
     * @throws IllegalArgumentException when the legs differ in size or blocks, or all have failed
     * @throws UncheckedIOException when the log cannot be written
     */
    public Mirror(List<? extends Target> legs, MirrorLog log) {
        super(legs, geometries -> geometry(geometries, log));
        this.size = geometry().size();
        this.states = new MirrorLegs(legs.size(), log, geometry().readOnly());
    }

    private static Geometry geometry(List<Geometry> legs, MirrorLog log) {
        try {
            return checked(legs, log);
        } catch (Throwable e) {
            try {
                log.close();
            } catch (IOException also) {
                e.addSuppressed(also);
            }
            throw e;
        }
    }

    private static Geometry checked(List<Geometry> legs, MirrorLog log) {
        Legs.requireAtLeast("mirror", 2, legs);
        Legs.requireSame("mirror", legs, "", Geometry::size);
        if (log.legs() > legs.size()) {
            throw new IllegalArgumentException(
                    "mirror: its log knows %d targets, and here are %d"
                            .formatted(log.legs(), legs.size()));
        }
        if (IntStream.range(0, legs.size()).allMatch(log::hasFailed)) {
            throw new IllegalArgumentException("mirror: all of its targets have failed");
        }
        Geometry geometry = Legs.common("mirror", legs, legs.getFirst().size());
        try {
            if (!geometry.readOnly()) {
                log.setOpen(true);
            }
        } catch (IOException e) {
            throw new UncheckedIOException("mirror: its log cannot be written: " + e, e);
        }
        return geometry;
    }

    /** {@return what each leg is good for, in their order}; from any thread */
    public List<LegState> states() {
        return states.states();
    }

    /**
     * Begins to bring a leg that has failed back in step; from any thread.
     *
     * @param leg from 0 on
     * @throws IllegalStateException when it has not failed, or the mirror is closed
     */
    public void resync(int leg) {
        Objects.checkIndex(leg, legs().size());
        if (closed) {
            throw new IllegalStateException("the mirror is closed");
        }
        states.beginSync(leg);
        MirrorQueue queue = copier;
        if (queue != null) {
            queue.resync();
        }
    }

    @Override
    protected TargetQueue open(Queue queue, List<TargetQueue> below) {
        MirrorQueue opened =
                new MirrorQueue(
                        queue, below.toArray(TargetQueue[]::new), states, barrier, () -> size);
        if (queue.id() == 0) {
            copier = opened;
            opened.resync();
        }
        return opened;
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
        Target leg = legs().get(states.readable(0));
        Objects.requireNonNull(leg.ability(AllocationMap.class)).describe(offset, length, extents);
    }

    private void resize(long bytes) {
        if (!states.areInStep()) {
            throw new UnsupportedOperationException(
                    "a mirror whose targets are not all in step keeps its size");
        }
        Resizing.all(legs(), bytes, size);
        size = bytes;
    }

    /** Closes the legs, and notes in the log that they are in step, where they are. */
    @Override
    public void close() {
        closed = true;
        super.close();
        states.close();
    }
}
