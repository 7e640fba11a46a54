package dev.ublk4j.layers;

import java.util.ArrayList;
import java.util.List;

/**
 * Says where faults may strike, so that what is stored more than once stays recoverable: of each
 * chunk of the data, some replicas are left alone. Which these are differs from chunk to chunk, by
 * seed, so that every replica has faults, and all data has a copy without.
 *
 * {@snippet :
 * FaultAtlas atlas = FaultAtlas.of(3, 2).withSeed(7).protecting(0, 4096);
 * Target first = new FaultInjector(file("a.img"), rot.keepingTo(atlas.replica(0)));
 * }
 *
 * <p>An atlas keeps no state. Replicas in different processes agree when they have been told the
 * same.
 */
public final class FaultAtlas {
    private static final long DEFAULT_CHUNK = 1 << 20;

    private final int replicas;
    private final int kept;
    private final long chunk;
    private final long seed;
    private final List<Range> protectedRanges;

    private record Range(long from, long to) {}

    private FaultAtlas(int replicas, int kept, long chunk, long seed, List<Range> ranges) {
        this.replicas = replicas;
        this.kept = kept;
        this.chunk = chunk;
        this.seed = seed;
        this.protectedRanges = List.copyOf(ranges);
    }

    /**
     * {@return an atlas of some replicas, in chunks of 1 MiB}
     *
     * @param replicas at least 1
     * @param kept how many of them are left alone in each chunk
     */
    public static FaultAtlas of(int replicas, int kept) {
        if (replicas < 1 || kept < 0 || kept > replicas) {
            throw new IllegalArgumentException(
                    "of %d replicas, %d cannot be kept".formatted(replicas, kept));
        }
        return new FaultAtlas(replicas, kept, DEFAULT_CHUNK, 0, List.of());
    }

    /** {@return the same in chunks of another size, in bytes} */
    public FaultAtlas withChunk(long bytes) {
        if (bytes < 1) {
            throw new IllegalArgumentException("a chunk of %d bytes".formatted(bytes));
        }
        return new FaultAtlas(replicas, kept, bytes, seed, protectedRanges);
    }

    /** {@return the same with another choice of the replicas that are left alone} */
    public FaultAtlas withSeed(long other) {
        return new FaultAtlas(replicas, kept, chunk, other, protectedRanges);
    }

    /**
     * {@return the same with a range in which all replicas are left alone}
     *
     * @param begin first byte
     * @param end the byte behind the last
     */
    public FaultAtlas protecting(long begin, long end) {
        DiskFault.checkRange(begin, end);
        List<Range> more = new ArrayList<>(protectedRanges);
        more.add(new Range(begin, end));
        return new FaultAtlas(replicas, kept, chunk, seed, more);
    }

    /**
     * {@return where faults may strike one of the replicas}
     *
     * @param number counts from 0
     */
    public Replica replica(int number) {
        if (number < 0 || number >= replicas) {
            throw new IllegalArgumentException(
                    "there is no replica %d of %d".formatted(number + 1, replicas));
        }
        return new Replica(this, number);
    }

    /** Where faults may strike one replica. */
    public static final class Replica {
        private final FaultAtlas atlas;
        private final int number;

        private Replica(FaultAtlas atlas, int number) {
            this.atlas = atlas;
            this.number = number;
        }

        /**
         * {@return whether all bytes of a range may be lost on this replica}
         *
         * @param begin first byte
         * @param end the byte behind the last
         */
        public boolean mayFault(long begin, long end) {
            for (Range each : atlas.protectedRanges) {
                if (begin < each.to && end > each.from) {
                    return false;
                }
            }
            for (long at = begin / atlas.chunk; at * atlas.chunk < end; at++) {
                if (atlas.keeps(at, number)) {
                    return false;
                }
            }
            return true;
        }

        /** {@return whether nothing of the replica has to be left alone} */
        boolean mayFaultAnywhere() {
            return atlas.kept == 0 && atlas.protectedRanges.isEmpty();
        }

        /** {@return the words that say the same in the text of a fault} */
        @Override
        public String toString() {
            StringBuilder text =
                    new StringBuilder(
                            "replica=%d/%d,keep=%d,chunk=%s,atlas-seed=%d"
                                    .formatted(
                                            number + 1,
                                            atlas.replicas,
                                            atlas.kept,
                                            FaultText.size(atlas.chunk),
                                            atlas.seed));
            for (Range each : atlas.protectedRanges) {
                text.append(",protect=")
                        .append(FaultText.size(each.from))
                        .append('-')
                        .append(FaultText.size(each.to));
            }
            return text.toString();
        }
    }

    /**
     * A replica is kept when fewer than so many of the others come before it in the chunk's order.
     */
    private boolean keeps(long at, int number) {
        long own = order(at, number);
        int before = 0;
        for (int other = 0; other < replicas; other++) {
            long order = order(at, other);
            if (order < own || (order == own && other < number)) {
                before++;
            }
        }
        return before < kept;
    }

    private long order(long at, int number) {
        return DiskFault.mixed(seed, at * replicas + number);
    }
}
