package dev.ublk4j.embedded.range;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class RangeTableTest {
    private final RangeTable table = new RangeTable();

    @AfterEach
    void everyTestLeavesAConsistentTable() {
        table.checkInvariants();
    }

    @Test
    void anEmptyTableFindsNothing() {
        for (long frame : new long[] {0, 1, Placement.MAX_FRAME}) {
            assertThat(table.find(frame)).isEqualTo(Placement.NONE);
        }
        assertThat(table).hasToString("RangeTable[ranges=0, buffers=0, height=0]");
    }

    @Test
    void aFrameIsFoundWithItsBufferFlagsOffsetAndTheFramesThatFollowInItsRange() {
        int first = table.register(Frames.run(100, 109), 0);
        int second = table.register(Frames.run(200, 203), Placement.READ_ONLY);

        assertThat(first).isZero();
        assertThat(second).isEqualTo(1);
        assertThat(at(103)).isEqualTo(new Range(103, 109, 0, 0, 3 * 4096));
        assertThat(at(203)).isEqualTo(new Range(203, 203, 1, Placement.READ_ONLY, 3 * 4096));
        assertThat(Placement.isReadOnly(table.find(200))).isTrue();
        for (long frame : new long[] {99, 110, 199, 204}) {
            assertThat(table.find(frame)).as("frame %d", frame).isEqualTo(Placement.NONE);
        }
    }

    @Test
    void consecutiveFramesBecomeOneRange() {
        table.register(new long[] {7, 8, 9, 20, 21, 5}, 0);

        assertThat(table.rangesOf(0))
                .containsExactly(
                        new Range(5, 5, 0, 0, 5 * 4096),
                        new Range(7, 9, 0, 0, 0),
                        new Range(20, 21, 0, 0, 3 * 4096));
    }

    @Test
    void runsThatContinueEachOtherBecomeOneRange() {
        table.register(new BufferRuns().add(50, 3).add(53, 2).add(60, 1), 0);

        assertThat(table.rangesOf(0))
                .containsExactly(new Range(50, 54, 0, 0, 0), new Range(60, 60, 0, 0, 5 * 4096));
    }

    @Test
    void adjoiningRangesStayApartEvenInOneBuffer() {
        // 10 and 11 adjoin, but 11 comes first in the buffer.
        table.register(new long[] {11, 12, 9, 10}, 0);
        table.register(new long[] {13}, 0);

        assertThat(table.ranges()).isEqualTo(3);
        assertThat(at(10)).isEqualTo(new Range(10, 10, 0, 0, 3 * 4096));
        assertThat(at(11)).isEqualTo(new Range(11, 12, 0, 0, 0));
        assertThat(at(13)).isEqualTo(new Range(13, 13, 1, 0, 0));
    }

    @Test
    void aPageThatIsRegisteredAlreadyIsRefusedWhereverItLies() {
        table.register(Frames.run(100, 109), 0);

        for (long[] frames :
                new long[][] {
                    {100},
                    {109},
                    {104},
                    Frames.run(90, 100),
                    Frames.run(109, 120),
                    Frames.run(50, 200)
                }) {
            assertThat(table.register(frames, 0)).isEqualTo(RangeTable.EXISTS);
        }
        assertThat(table.register(Frames.run(90, 99), 0)).isEqualTo(1);
        assertThat(table.register(Frames.run(110, 120), 0)).isEqualTo(2);
    }

    @Test
    void aPageThatComesTwiceInTheBufferIsRefused() {
        assertThat(table.register(new long[] {5, 9, 5}, 0)).isEqualTo(RangeTable.EXISTS);
        assertThat(table.register(new long[] {5, 6, 7, 6}, 0)).isEqualTo(RangeTable.EXISTS);
        assertThat(table.register(new BufferRuns().add(10, 5).add(8, 3), 0))
                .isEqualTo(RangeTable.EXISTS);
        assertThat(table).hasToString("RangeTable[ranges=0, buffers=0, height=0]");
    }

    @Test
    void anOverlapAcrossTheEndOfALeafIsRefused() {
        // Ranges far apart fill several leaves; the run begins in the gap before each range in
        // turn.
        table.register(Frames.apart(1000, 500, 10), 0);

        for (int i = 0; i < 500; i++) {
            long range = 1000 + 10L * i;
            assertThat(table.register(Frames.run(range - 3, range), 0))
                    .as("a run up to the range at %d", range)
                    .isEqualTo(RangeTable.EXISTS);
        }
    }

    @Test
    void aFailedRegistrationLeavesNothingBehind() {
        table.register(Frames.apart(0, 2000, 4), 0);
        List<Range> before = table.rangesOf(0);
        String summary = table.toString();
        long[] frames = Frames.apart(1, 1500, 4);
        frames[1499] = 4 * 1999L;

        assertThat(table.register(frames, 0)).isEqualTo(RangeTable.EXISTS);

        assertThat(table).hasToString(summary);
        assertThat(table.rangesOf(0)).isEqualTo(before);
        assertThat(table.rangesOf(1)).isEmpty();
        for (int i = 0; i < 1499; i++) {
            assertThat(table.find(frames[i])).isEqualTo(Placement.NONE);
        }
        assertThat(table.register(new long[] {9_000_000}, 0)).as("the index is free").isEqualTo(1);
    }

    @Test
    void theLowestFreeIndexIsGivenOutAgain() {
        for (int i = 0; i < 10; i++) {
            assertThat(table.register(new long[] {2L * i}, 0)).isEqualTo(i);
        }
        table.unregister(7);
        table.unregister(3);

        assertThat(table.register(new long[] {100}, 0)).isEqualTo(3);
        assertThat(table.register(new long[] {102}, 0)).isEqualTo(7);
        assertThat(table.register(new long[] {104}, 0)).isEqualTo(10);
    }

    @Test
    void as65536BuffersFitAndNotOneMore() {
        for (int i = 0; i < RangeTable.MAX_BUFFERS; i++) {
            assertThat(table.register(new long[] {2L * i}, 0)).isEqualTo(i);
        }
        assertThat(table.register(new long[] {1}, 0)).isEqualTo(RangeTable.NO_SPACE);
        assertThat(table.register(new long[] {0}, 0)).isEqualTo(RangeTable.NO_SPACE);
        table.checkInvariants();

        assertThat(table.unregister(40_000)).isZero();
        assertThat(table.register(new long[] {1}, 0)).isEqualTo(40_000);
        assertThat(at(2 * 65_535L)).isEqualTo(new Range(2 * 65_535L, 2 * 65_535L, 65_535, 0, 0));
    }

    @Test
    void theFirstAndTheLastFrameCanBeRegistered() {
        long last = (1L << 52) - 1;

        assertThat(table.register(new long[] {0, last}, 0)).isZero();

        assertThat(at(0)).isEqualTo(new Range(0, 0, 0, 0, 0));
        assertThat(at(last)).isEqualTo(new Range(last, last, 0, 0, 4096));
        assertThat(table.find(1)).isEqualTo(Placement.NONE);
        assertThat(table.find(last - 1)).isEqualTo(Placement.NONE);
        for (long wild : new long[] {last + 1, -1, Long.MAX_VALUE, Long.MIN_VALUE, 1L << 62}) {
            assertThat(table.find(wild)).as("frame %d", wild).isEqualTo(Placement.NONE);
        }
    }

    @Test
    void aBufferOf4GibIsAddressedToItsLastByte() {
        BufferRuns runs = new BufferRuns().add(1_000_000, Placement.MAX_BUFFER_FRAMES);

        assertThat(table.register(runs, 0)).isZero();

        long last = 1_000_000L + Placement.MAX_BUFFER_FRAMES - 1;
        assertThat(at(last)).isEqualTo(new Range(last, last, 0, 0, (1L << 32) - 4096));
        assertThat(Placement.frames(table.find(1_000_000))).isEqualTo(1 << 20);
        assertThat(table.find(last + 1)).isEqualTo(Placement.NONE);
    }

    @Test
    void aBufferOf4GibMayConsistOfAMillionRanges() {
        // Backwards: no frame continues the one before it.
        long[] frames = new long[Placement.MAX_BUFFER_FRAMES];
        for (int i = 0; i < frames.length; i++) {
            frames[i] = 5_000_000L - i;
        }

        assertThat(table.register(frames, 0)).isZero();

        assertThat(table.ranges()).isEqualTo(1 << 20);
        assertThat(table.height()).isLessThanOrEqualTo(4);
        long last = 5_000_000L - (1 << 20) + 1;
        assertThat(at(last)).isEqualTo(new Range(last, last, 0, 0, (1L << 32) - 4096));
        table.checkInvariants();
        assertThat(table.unregister(0)).isZero();
        assertThat(table.height()).isZero();
    }

    @Test
    void anUnregisteredBufferIsGoneAndTheOthersStay() {
        table.register(Frames.shuffled(Frames.apart(0, 3000, 6), 1), 0);
        table.register(Frames.shuffled(Frames.apart(2, 3000, 6), 2), 0);
        table.register(Frames.shuffled(Frames.apart(4, 3000, 6), 3), 0);
        List<Range> first = table.rangesOf(0);
        List<Range> third = table.rangesOf(2);

        assertThat(table.unregister(1)).isZero();

        assertThat(table.rangesOf(0)).isEqualTo(first);
        assertThat(table.rangesOf(1)).isEmpty();
        assertThat(table.rangesOf(2)).isEqualTo(third);
        assertThat(table).hasToString("RangeTable[ranges=6000, buffers=2, height=2]");
        for (long frame : Frames.apart(2, 3000, 6)) {
            assertThat(table.find(frame)).isEqualTo(Placement.NONE);
        }
    }

    @Test
    void anIndexWithoutABufferIsNotUnregistered() {
        table.register(new long[] {1}, 0);

        assertThat(table.unregister(1)).isEqualTo(RangeTable.NO_ENTRY);
        assertThat(table.unregister(65_535)).isEqualTo(RangeTable.NO_ENTRY);
        assertThat(table.unregister(65_536)).isEqualTo(RangeTable.INVALID);
        assertThat(table.unregister(-1)).isEqualTo(RangeTable.INVALID);
        assertThat(table.unregister(0)).isZero();
        assertThat(table.unregister(0)).isEqualTo(RangeTable.NO_ENTRY);
    }

    @Test
    void theTreeShrinksAgainWhenBuffersGoInAnyOrder() {
        int[] order = IntStream.range(0, 600).toArray();
        Random random = new Random(4);
        for (int i = order.length - 1; i > 0; i--) {
            int j = random.nextInt(i + 1);
            int index = order[i];
            order[i] = order[j];
            order[j] = index;
        }
        for (int i = 0; i < order.length; i++) {
            table.register(Frames.apart(2L * order[i], 10, 1200), 0);
        }
        assertThat(table.height()).isGreaterThanOrEqualTo(2);

        for (int i = 0; i < order.length; i++) {
            assertThat(table.unregister(order[i])).isZero();
            if (i % 20 == 0) {
                table.checkInvariants();
            }
        }

        assertThat(table).hasToString("RangeTable[ranges=0, buffers=0, height=0]");
    }

    @Test
    void clearHandsOverEachBufferOnceNoneIsFound() {
        for (int i = 0; i < 40; i++) {
            table.register(new long[] {2L * i}, 0);
        }
        table.unregister(17);
        List<Integer> released = new ArrayList<>();

        table.clear(index -> {
            assertThat(table.find(2L * index)).isEqualTo(Placement.NONE);
            released.add(index);
        });

        assertThat(released)
                .containsExactlyElementsOf(
                        IntStream.range(0, 40).filter(i -> i != 17).boxed().toList());
        assertThat(table).hasToString("RangeTable[ranges=0, buffers=0, height=0]");
        assertThat(table.register(new long[] {8}, 0)).isZero();
    }

    @Test
    void clearGoesOnWhenACallbackThrows() {
        for (int i = 0; i < 3; i++) {
            table.register(new long[] {2L * i}, 0);
        }
        List<Integer> released = new ArrayList<>();

        assertThatThrownBy(() ->
                        table.clear(index -> {
                            released.add(index);
                            throw new IllegalStateException("buffer " + index);
                        }))
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("buffer 0")
                .satisfies(e -> assertThat(e.getSuppressed()).hasSize(2));
        assertThat(released).containsExactly(0, 1, 2);
    }

    @Test
    void aBufferWithoutFramesOrWithAnUnknownFlagIsAMistake() {
        assertThatThrownBy(() -> table.register(new long[0], 0))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> table.register(new long[] {1}, 2))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("flags=2");
        assertThat(table.buffers()).isZero();
    }

    @Test
    void whoeverKeepsAnOlderTreeStillSeesItAsItWas() {
        table.register(Frames.apart(0, 3000, 4), 0);
        RangeTree before = table.tree();

        table.register(Frames.apart(2, 3000, 4), 0);
        table.unregister(0);

        for (int i = 0; i < 3000; i++) {
            assertThat(before.find(4L * i)).isNotEqualTo(Placement.NONE);
            assertThat(before.find(4L * i + 2)).isEqualTo(Placement.NONE);
            assertThat(table.find(4L * i)).isEqualTo(Placement.NONE);
            assertThat(table.find(4L * i + 2)).isNotEqualTo(Placement.NONE);
        }
    }

    @Test
    void lookingUpAllocatesNothing() {
        table.register(Frames.apart(0, 20_000, 3), 0);
        long[] frames = new long[1];
        int[] offsets = {0};
        int[] lengths = {4096};
        var threads = (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
        long sum = lookUps(frames, offsets, lengths, 100_000);
        long before = threads.getCurrentThreadAllocatedBytes();
        sum += lookUps(frames, offsets, lengths, 1_000_000);
        long allocated = threads.getCurrentThreadAllocatedBytes() - before;

        assertThat(sum).isNotZero();
        // The question itself costs a few dozen bytes; one for each of a million would show.
        assertThat(allocated).isLessThan(10_000);
    }

    private long lookUps(long[] frames, int[] offsets, int[] lengths, int count) {
        long sum = 0;
        for (int i = 0; i < count; i++) {
            frames[0] = i * 31L % 60_000;
            sum += table.find(frames[0]);
            sum += RequestMatcher.match(table, true, frames, offsets, lengths, 1);
        }
        return sum;
    }

    /** What is found from a frame on to the end of its range. */
    private Range at(long frame) {
        long placement = table.find(frame);
        assertThat(placement).as("frame %d", frame).isNotEqualTo(Placement.NONE);
        return Range.of(frame, placement);
    }
}
