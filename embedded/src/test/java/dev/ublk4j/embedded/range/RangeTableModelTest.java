package dev.ublk4j.embedded.range;

import static org.assertj.core.api.Assertions.assertThat;

import dev.ublk4j.trials.Ops;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

/** The range table against a map of ranges in which everything is done the plain way. */
class RangeTableModelTest {
    @Test
    void fewRangesBehaveLikeAPlainMap() {
        Ops.check(1, 300, 60, random -> op(random, 6), ops -> run(ops, new RangeTable()));
    }

    @Test
    void manyRangesBehaveLikeAPlainMap() {
        Ops.check(1, 12, 80, random -> op(random, 1200), ops -> run(ops, new RangeTable()));
    }

    @Test
    void rangesThatBecomeDenseAndThinAgainBehaveLikeAPlainMap() {
        Ops.check(1, 60, 60, random -> op(random, 6), ops -> run(ops, new RangeTable(12)));
    }

    @Test
    void regionsOfFewRangesWithWordsBehaveLikeAPlainMap() {
        Ops.check(1, 40, 40, random -> op(random, 3), ops -> run(ops, new RangeTable(1)));
    }

    private static void run(List<Op> ops, RangeTable table) {
        Model model = new Model();
        for (Op op : ops) {
            assertThat(op.apply(table)).as(op::toString).isEqualTo(op.apply(model));
            table.checkInvariants();
            model.assertSameAs(table);
        }
    }

    private static Op op(Random random, int size) {
        int kind = random.nextInt(100);
        if (kind == 0) {
            return new Clear();
        }
        if (kind < 40) {
            return new Unregister(random.nextInt(-1, 12));
        }
        long space = 12L * size;
        long start =
                switch (random.nextInt(12)) {
                    case 0 -> 0;
                    case 1 -> Placement.MAX_FRAME - space;
                    default -> random.nextLong(space);
                };
        int runs = 1 + random.nextInt(size);
        int length = random.nextInt(4) == 0 ? 1 + random.nextInt(9) : 1;
        int step = random.nextInt(3) == 0 ? 0 : 1 + random.nextInt(7);
        return new Register(start, runs, length, step, random.nextLong(100), random.nextInt(2));
    }

    /** One call, on the table or on the model; the answers are to be the same. */
    private sealed interface Op {
        Object apply(RangeTable table);

        Object apply(Model model);
    }

    /**
     * A buffer of runs {@code step} frames apart, in an order of their own; with step 0,
     * overlapping.
     */
    private record Register(long start, int runs, int length, int step, long order, int flags)
            implements Op {
        long[] frames() {
            long[] starts = new long[runs];
            for (int i = 0; i < runs; i++) {
                starts[i] = start + (long) i * Math.max(1, length + step - 1);
            }
            return LongStream.of(Frames.shuffled(starts, order))
                    .flatMap(first -> LongStream.range(first, first + length))
                    .map(frame -> Math.min(frame, Placement.MAX_FRAME))
                    .toArray();
        }

        @Override
        public Object apply(RangeTable table) {
            return table.register(frames(), flags);
        }

        @Override
        public Object apply(Model model) {
            return model.register(frames(), flags);
        }
    }

    private record Unregister(int index) implements Op {
        @Override
        public Object apply(RangeTable table) {
            return table.unregister(index);
        }

        @Override
        public Object apply(Model model) {
            return model.unregister(index);
        }
    }

    private record Clear() implements Op {
        @Override
        public Object apply(RangeTable table) {
            List<Integer> released = new ArrayList<>();
            table.clear(released::add);
            return released;
        }

        @Override
        public Object apply(Model model) {
            List<Integer> released = new ArrayList<>(model.buffers);
            model.ranges.clear();
            model.buffers.clear();
            return released;
        }
    }

    /** The ranges by their first frame, and the indexes in use. */
    private static final class Model {
        final TreeMap<Long, Range> ranges = new TreeMap<>();
        final TreeSet<Integer> buffers = new TreeSet<>();

        int register(long[] frames, int flags) {
            int index = 0;
            while (buffers.contains(index)) {
                index++;
            }
            TreeMap<Long, Range> with = new TreeMap<>(ranges);
            for (int i = 0; i < frames.length; ) {
                int end = i + 1;
                while (end < frames.length && frames[end] == frames[end - 1] + 1) {
                    end++;
                }
                Range range = new Range(frames[i], frames[end - 1], index, flags, 4096L * i);
                Map.Entry<Long, Range> before = with.floorEntry(range.lastFrame());
                if (before != null && before.getValue().lastFrame() >= range.firstFrame()) {
                    return RangeTable.EXISTS;
                }
                with.put(range.firstFrame(), range);
                i = end;
            }
            ranges.clear();
            ranges.putAll(with);
            buffers.add(index);
            return index;
        }

        int unregister(int index) {
            if (index < 0) {
                return RangeTable.INVALID;
            }
            if (!buffers.remove(index)) {
                return RangeTable.NO_ENTRY;
            }
            ranges.values().removeIf(range -> range.buffer() == index);
            return 0;
        }

        void assertSameAs(RangeTable table) {
            assertThat(table.ranges()).isEqualTo(ranges.size());
            assertThat(table.buffers()).isEqualTo(buffers.size());
            long free = 0;
            for (Range range : ranges.values()) {
                require(table, range, range.firstFrame());
                require(table, range, (range.firstFrame() + range.lastFrame()) / 2);
                require(table, range, range.lastFrame());
                if (free < range.firstFrame()) {
                    requireNone(table, free);
                    requireNone(table, range.firstFrame() - 1);
                }
                free = range.lastFrame() + 1;
            }
            requireNone(table, free);
        }

        private static void require(RangeTable table, Range range, long frame) {
            long placement = table.find(frame);
            Range rest =
                    new Range(
                            frame,
                            range.lastFrame(),
                            range.buffer(),
                            range.flags(),
                            range.offsetBytes() + 4096 * (frame - range.firstFrame()));
            if (placement == Placement.NONE || !Range.of(frame, placement).equals(rest)) {
                throw new AssertionError(rest + " is " + Long.toHexString(placement));
            }
        }

        private static void requireNone(RangeTable table, long frame) {
            if (table.find(frame) != Placement.NONE) {
                throw new AssertionError("frame " + frame + " is found");
            }
        }
    }
}
