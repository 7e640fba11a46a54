package dev.ublk4j.crash;

import dev.ublk4j.layers.Layer;
import dev.ublk4j.server.Completion;
import dev.ublk4j.server.Geometry;
import dev.ublk4j.server.LeavesData;
import dev.ublk4j.server.Operation;
import dev.ublk4j.server.Queue;
import dev.ublk4j.server.Request;
import dev.ublk4j.server.Target;
import dev.ublk4j.server.TargetQueue;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Another target, whose changes and flushes are written down in a {@link History} as they are sent
 * to it and as it answers them. Reads pass.
 *
 * <p>The data of a write is copied once, before the write is sent. Nothing is allocated per
 * request; memory for the history is added now and then.
 */
public final class Recorder extends Layer {
    private final History history;

    /**
     * Records a target.
     *
     * @param target belongs to the layer from now on, also when this throws
     * @param history gets what happens; stays open when the layer is closed
     * @throws IllegalArgumentException for a target with zones or integrity metadata
     */
    public Recorder(Target target, History history) {
        super(List.of(target), legs -> recordable(legs.getFirst()));
        this.history = history;
    }

    private static Geometry recordable(Geometry target) {
        if (target.zones() != null) {
            throw new IllegalArgumentException("a target with zones cannot be recorded");
        }
        if (target.integrity() != null) {
            throw new IllegalArgumentException(
                    "a target with integrity metadata cannot be recorded");
        }
        return target;
    }

    @Override
    protected TargetQueue open(Queue queue, List<TargetQueue> below) {
        return new RecorderQueue(below.getFirst(), history);
    }

    /** Leaves a {@linkplain History#mark mark} in what is recorded. Any thread. */
    public void mark(Object text) {
        history.mark(text);
    }

    /**
     * Data has to be seen to be recorded: {@code LeavesData} of the target below is not passed on.
     */
    @Override
    public <A> @Nullable A ability(Class<A> type) {
        if (type.isInstance(this)) {
            return type.cast(this);
        }
        return type == LeavesData.class ? null : legs().getFirst().ability(type);
    }

    private static final class RecorderQueue implements TargetQueue, Completion {
        private final TargetQueue below;
        private final History history;
        private final Lane lane;

        /** By the tag of a part, what its request is called in the lane. */
        private int[] entries = new int[256];

        RecorderQueue(TargetQueue below, History history) {
            this.below = below;
            this.history = history;
            this.lane = history.newLane();
        }

        @Override
        public void submit(Request request) {
            Operation operation = request.operation();
            if (operation == Operation.READ) {
                below.submit(request);
                return;
            }
            long length = request.length();
            long data = operation == Operation.WRITE ? length : 0;
            history.take(data);
            long position = lane.reserve(data);
            if (data > 0) {
                request.copyTo(lane.segment(), position);
            }
            int entry =
                    lane.begin(
                            operation, request.forcesUnitAccess(), request.offset(), length, data);
            Request part = request.part(0, length).then(this);
            int tag = part.tag();
            if (tag >= entries.length) {
                entries = Arrays.copyOf(entries, Math.max(tag + 1, entries.length * 2));
            }
            entries[tag] = entry;
            part.submitTo(below);
        }

        @Override
        public int completed(Request part, int result) {
            lane.answered(entries[part.tag()], result);
            return result;
        }
    }
}
