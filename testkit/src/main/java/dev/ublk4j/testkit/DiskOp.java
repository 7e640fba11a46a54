package dev.ublk4j.testkit;

import dev.ublk4j.server.Geometry;
import java.util.Random;

/**
 * One step of an exercise: a request, something that will go wrong, or a restart.
 *
 * @param kind what to do
 * @param position where on the disk, bytes
 * @param length bytes
 * @param pieces segments that the data lies in; of a fault, which of the I/Os to come it is for
 * @param option write-through for a write, keeping the space allocated for a write of zeroes
 * @param seed what the data is made of; an even one is for memory that is shared
 */
record DiskOp(Kind kind, long position, int length, int pieces, boolean option, long seed) {
    /** The largest request. */
    static final int MAX_BYTES = 128 * 1024;

    /** The most segments of a request. */
    static final int MAX_PIECES = 4;

    private static final int USUAL_BLOCKS = 8;
    private static final int BUSY_BLOCKS = 64;

    enum Kind {
        READ(30),
        WRITE(30),
        FLUSH(4),
        DISCARD(6),
        WRITE_ZEROES(6),
        RESTART(1),
        FAIL(3),
        SHORTEN(6),
        SHUFFLE(1);

        private final int weight;

        Kind(int weight) {
            this.weight = weight;
        }

        boolean isFault() {
            return this == FAIL || this == SHORTEN || this == SHUFFLE;
        }

        boolean isRequest() {
            return !isFault() && this != RESTART;
        }
    }

    /** Makes steps for one kind of target. */
    record Source(Geometry geometry, boolean restarts, boolean errors, boolean delays) {
        /** The part of a disk that is exercised, from its beginning. */
        static final long MAX_SPAN = 8 << 20;

        /** {@return the unit of positions, lengths and memory} */
        int unit() {
            return Math.max(geometry.logicalBlockSize(), geometry.dmaAlignment());
        }

        long span() {
            return Math.min(geometry.size(), MAX_SPAN) / unit() * unit();
        }

        DiskOp next(Random random) {
            Kind kind = kind(random);
            int unit = unit();
            long blocks = span() / unit;
            int most = (int) Math.min(blocks, MAX_BYTES / unit);
            int length =
                    1
                            + random.nextInt(
                                    random.nextInt(10) == 0 ? most : Math.min(USUAL_BLOCKS, most));
            // Half of all goes to the same few blocks, where it meets what was there before.
            long start =
                    random.nextLong(random.nextBoolean() ? Math.min(blocks, BUSY_BLOCKS) : blocks);
            start = Math.min(start, blocks - length);
            int pieces = 1 + random.nextInt(Math.min(MAX_PIECES, length));
            return new DiskOp(
                    kind,
                    start * unit,
                    length * unit,
                    random.nextBoolean() ? 1 : pieces,
                    random.nextBoolean(),
                    random.nextLong(1_000_000));
        }

        private Kind kind(Random random) {
            while (true) {
                int point = random.nextInt(100);
                for (Kind kind : Kind.values()) {
                    point -= kind.weight;
                    if (point < 0) {
                        if (has(kind)) {
                            return kind;
                        }
                        break;
                    }
                }
            }
        }

        private boolean has(Kind kind) {
            return switch (kind) {
                case READ, FLUSH -> true;
                case WRITE -> !geometry.readOnly();
                case DISCARD -> geometry.maxDiscard() != 0;
                case WRITE_ZEROES -> geometry.maxWriteZeroes() != 0;
                case RESTART -> restarts;
                case FAIL -> errors;
                case SHORTEN, SHUFFLE -> delays;
            };
        }
    }

    long end() {
        return position + length;
    }

    /** {@return whether two requests may not be in flight together} */
    boolean conflicts(DiskOp other) {
        if (kind == Kind.FLUSH || other.kind == Kind.FLUSH) {
            return false;
        }
        boolean onlyRead = kind == Kind.READ && other.kind == Kind.READ;
        return !onlyRead && position < other.end() && other.position < end();
    }

    @Override
    public String toString() {
        String range = "%d bytes at %d".formatted(length, position);
        return switch (kind) {
            case READ -> "read " + range + inPieces() + where();
            case WRITE -> "write " + range + inPieces() + where() + (option ? ", through" : "");
            case FLUSH -> "flush";
            case DISCARD -> "discard " + range;
            case WRITE_ZEROES -> "zero " + range + (option ? ", allocated" : "");
            case RESTART -> "restart";
            case FAIL -> "fail I/O " + pieces + " from here";
            case SHORTEN -> "shorten I/O " + pieces + " from here";
            case SHUFFLE -> "shuffle from here";
        };
    }

    /** {@return whether the data lies in memory that is shared with the device} */
    boolean isShared() {
        return seed % 2 == 0;
    }

    private String where() {
        return (isShared() ? ", shared" : "") + ", data " + seed;
    }

    private String inPieces() {
        return pieces == 1 ? "" : " in " + pieces + " pieces";
    }
}
