package dev.ublk4j.layers;

import dev.ublk4j.server.Geometry;
import dev.ublk4j.server.Operation;
import dev.ublk4j.server.Queue;
import dev.ublk4j.server.Request;
import dev.ublk4j.server.Target;
import dev.ublk4j.server.TargetQueue;
import java.util.List;

/** Targets one behind the other: as large as all of them together. */
public final class Concat extends Layer {
    /** Where each leg begins, and where the last one ends. */
    private final long[] starts;

    /**
     * Puts targets behind one another.
     *
     * @param legs belong to the layer from now on, also when this throws
     * @throws IllegalArgumentException when their blocks differ, or some are read-only
     */
    public Concat(List<? extends Target> legs) {
        super(legs, Concat::geometry);
        starts = new long[legs.size() + 1];
        for (int i = 0; i < legs.size(); i++) {
            starts[i + 1] = starts[i] + legs().get(i).geometry().size();
        }
    }

    private static Geometry geometry(List<Geometry> legs) {
        Legs.requireAtLeast("concat", 1, legs);
        return Legs.common(
                "concat", legs, legs.stream().mapToLong(Geometry::size).reduce(0, Math::addExact));
    }

    @Override
    protected TargetQueue open(Queue queue, List<TargetQueue> below) {
        TargetQueue[] legs = below.toArray(TargetQueue[]::new);
        return request -> submit(request, legs);
    }

    private void submit(Request request, TargetQueue[] legs) {
        if (request.operation() == Operation.FLUSH) {
            for (TargetQueue leg : legs) {
                request.part(0, 0).submitTo(leg);
            }
            return;
        }
        for (int leg = 0; leg < legs.length; leg++) {
            long from = Math.max(request.offset(), starts[leg]);
            long to = Math.min(request.end(), starts[leg + 1]);
            if (from < to) {
                request.part(from - request.offset(), to - from)
                        .at(from - starts[leg])
                        .submitTo(legs[leg]);
            }
        }
    }
}
