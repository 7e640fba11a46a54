package dev.ublk4j.layers;

import dev.ublk4j.linux.Errno;
import dev.ublk4j.server.Geometry;
import dev.ublk4j.server.Queue;
import dev.ublk4j.server.Request;
import dev.ublk4j.server.Resizable;
import dev.ublk4j.server.Target;
import dev.ublk4j.server.TargetQueue;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Chunks that go to several targets in turn (RAID 0): as large and as fast as all of them together,
 * and lost with the first that is.
 */
public final class Stripe extends Layer {
    /** The chunk of a stripe that nobody gave one: 64 KiB. */
    public static final int DEFAULT_CHUNK = 64 << 10;

    private final int chunk;

    /** Bytes of each leg that are used. */
    private volatile long perLeg;

    /**
     * Stripes targets of one size. What is left of each after its last whole chunk is not used.
     *
     * @param legs belong to the stripe from now on, also when this throws
     * @param chunk bytes, a power of two from the block size on
     * @throws IllegalArgumentException when the legs differ in size or blocks, or the chunk is none
     */
    public Stripe(List<? extends Target> legs, int chunk) {
        super(legs, geometries -> geometry(geometries, chunk));
        this.chunk = chunk;
        this.perLeg = geometry().size() / legs.size();
    }

    private static Geometry geometry(List<Geometry> legs, int chunk) {
        Legs.requireAtLeast("stripe", 2, legs);
        Legs.requireSame("stripe", legs, "", Geometry::size);
        if (Integer.bitCount(chunk) != 1 || chunk < legs.getFirst().logicalBlockSize()) {
            throw new IllegalArgumentException(
                    "stripe: a chunk is a power of two from the block size on, %d bytes, and not %d"
                            .formatted(legs.getFirst().logicalBlockSize(), chunk));
        }
        long perLeg = legs.getFirst().size() & -chunk;
        if (perLeg == 0) {
            throw new IllegalArgumentException(
                    "stripe: a chunk of %d bytes is more than a leg, %d"
                            .formatted(chunk, legs.getFirst().size()));
        }
        return Legs.common("stripe", legs, Math.multiplyExact(perLeg, legs.size()));
    }

    @Override
    protected TargetQueue open(Queue queue, List<TargetQueue> below) {
        TargetQueue[] legs = below.toArray(TargetQueue[]::new);
        return request -> {
            switch (request.operation()) {
                case READ, WRITE -> split(request, legs);
                case FLUSH -> {
                    for (TargetQueue leg : legs) {
                        request.part(0, 0).submitTo(leg);
                    }
                }
                case DISCARD, WRITE_ZEROES -> range(request, legs);
                default -> request.complete(Errno.EOPNOTSUPP.negated());
            }
        };
    }

    private void split(Request request, TargetQueue[] legs) {
        long at = request.offset();
        long end = request.end();
        while (at < end) {
            long next = Math.min(end, (at & -chunk) + chunk);
            long number = at / chunk;
            int leg = (int) (number % legs.length);
            request.part(at - request.offset(), next - at)
                    .at(number / legs.length * chunk + (at & (chunk - 1)))
                    .submitTo(legs[leg]);
            at = next;
        }
    }

    /** A range of the stripe is one range of each leg; only data has to be cut into chunks. */
    private void range(Request request, TargetQueue[] legs) {
        for (int leg = 0; leg < legs.length; leg++) {
            long from = before(request.offset(), leg, legs.length);
            long to = before(request.end(), leg, legs.length);
            if (to > from) {
                request.part(0, to - from).at(from).submitTo(legs[leg]);
            }
        }
    }

    /** {@return how many bytes of a leg lie before a byte of the stripe} */
    private long before(long at, int leg, int count) {
        long row = (long) chunk * count;
        return at / row * chunk + Math.clamp(at % row - (long) leg * chunk, 0, chunk);
    }

    @Override
    public <A> @Nullable A ability(Class<A> type) {
        if (type == Resizable.class && legs().stream().allMatch(Stripe::isResizable)) {
            return type.cast((Resizable) this::resize);
        }
        return super.ability(type);
    }

    private static boolean isResizable(Target leg) {
        return leg.ability(Resizable.class) != null;
    }

    private void resize(long bytes) {
        long row = (long) chunk * legs().size();
        if (bytes % row != 0) {
            throw new IllegalArgumentException(
                    "a stripe of %d targets has a multiple of %d bytes, and not %d"
                            .formatted(legs().size(), row, bytes));
        }
        Resizing.all(legs(), bytes / legs().size(), perLeg);
        perLeg = bytes / legs().size();
    }
}
