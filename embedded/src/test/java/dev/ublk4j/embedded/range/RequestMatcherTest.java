package dev.ublk4j.embedded.range;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class RequestMatcherTest {
    private static final int PAGE = 4096;

    private final RangeTable table = new RangeTable();

    @Test
    void aSegmentHitsItsBufferAtItsOffset() {
        table.register(Frames.run(500, 509), 0);
        table.register(Frames.run(100, 109), 0);

        long hit = read(segment(103, 512, 1024));

        assertThat(hit).isEqualTo(1L << 32 | 3 * PAGE + 512);
        assertThat(RequestMatcher.buffer(hit)).isEqualTo(1);
        assertThat(RequestMatcher.offsetBytes(hit)).isEqualTo(3 * PAGE + 512);
    }

    @Test
    void aSegmentMaySpanAllThePagesOfItsRangeAndNoByteMore() {
        table.register(Frames.run(100, 103), 0);

        assertThat(read(segment(100, 0, 4 * PAGE))).isZero();
        assertThat(read(segment(101, 512, 3 * PAGE - 512))).isEqualTo(PAGE + 512);
        assertMiss(Miss.CROSSES_RANGE, read(segment(101, 512, 3 * PAGE - 511)));
    }

    @Test
    void aSegmentThatGoesOnInAnAdjoiningRangeDoesNotMatch() {
        // The ranges adjoin in memory and in the buffer's frames, though not in the buffer's order.
        table.register(new long[] {100, 101, 98, 99}, 0);
        table.register(new long[] {102}, 0);

        assertMiss(Miss.CROSSES_RANGE, read(segment(99, 0, 2 * PAGE)));
        assertMiss(Miss.CROSSES_RANGE, read(segment(101, 0, 2 * PAGE)));
        assertMiss(Miss.CROSSES_RANGE, read(segment(102, 0, PAGE + 1)));
    }

    @Test
    void segmentsThatFollowEachOtherInTheBufferMatchWhereverTheirPagesAre() {
        table.register(new long[] {70, 90, 50, 51}, 0);

        long hit = read(segment(70, 1024, 3072), segment(90, 0, PAGE), segment(50, 0, 2 * PAGE));

        assertThat(hit).isEqualTo(1024);
    }

    @Test
    void segmentsWithinOnePageMatchToo() {
        table.register(new long[] {70}, 0);

        assertThat(read(segment(70, 512, 512), segment(70, 1024, 1024))).isEqualTo(512);
    }

    @Test
    void aGapOrAStepBackInTheBufferIsNoMatch() {
        table.register(new long[] {70, 90, 50}, 0);

        assertMiss(Miss.NOT_CONTIGUOUS, read(segment(70, 0, PAGE), segment(50, 0, PAGE)));
        assertMiss(Miss.NOT_CONTIGUOUS, read(segment(90, 0, PAGE), segment(70, 0, PAGE)));
        assertMiss(Miss.NOT_CONTIGUOUS, read(segment(70, 0, 512), segment(70, 1024, 512)));
        assertMiss(Miss.NOT_CONTIGUOUS, read(segment(70, 0, PAGE), segment(70, 0, PAGE)));
    }

    @Test
    void aSegmentInAnotherBufferIsNoMatch() {
        table.register(new long[] {70}, 0);
        table.register(new long[] {80, 71}, 0);

        assertMiss(Miss.OTHER_BUFFER, read(segment(70, 0, PAGE), segment(71, 0, PAGE)));
    }

    @Test
    void aPageThatIsNotRegisteredIsNoMatchInAnySegment() {
        table.register(new long[] {70}, 0);

        assertMiss(Miss.NOT_REGISTERED, read(segment(71, 0, PAGE)));
        assertMiss(Miss.NOT_REGISTERED, read(segment(70, 0, PAGE), segment(71, 0, PAGE)));
        assertMiss(Miss.NOT_REGISTERED, read(segment(-1, 0, PAGE)));
    }

    @Test
    void aReadOnlyBufferMatchesWritesAlone() {
        table.register(new long[] {70, 80}, Placement.READ_ONLY);

        assertThat(write(segment(70, 0, PAGE), segment(80, 0, PAGE))).isZero();
        assertMiss(Miss.READ_ONLY, read(segment(70, 0, PAGE)));
    }

    @Test
    void aSegmentThatCrossesOutOfAReadOnlyBufferIsToldToCross() {
        // The order of the kernel's checks: the range's end before the buffer's flags.
        table.register(new long[] {70}, Placement.READ_ONLY);

        assertMiss(Miss.CROSSES_RANGE, read(segment(70, 0, 2 * PAGE)));
    }

    @Test
    void aReadOnlyBufferAfterAnotherIsToldToBeAnother() {
        table.register(new long[] {70}, 0);
        table.register(new long[] {80}, Placement.READ_ONLY);

        assertMiss(Miss.OTHER_BUFFER, read(segment(70, 0, PAGE), segment(80, 0, PAGE)));
    }

    @Test
    void aRequestWithoutSegmentsHasNoData() {
        assertMiss(Miss.NO_DATA, read());
    }

    @Test
    void onlyTheSegmentsOfTheRequestAreLookedAt() {
        table.register(new long[] {70}, 0);
        long[] frames = {70, 99};
        int[] offsets = {0, 0};
        int[] lengths = {PAGE, PAGE};

        assertThat(RequestMatcher.match(table, false, frames, offsets, lengths, 1)).isZero();
        assertMiss(
                Miss.NOT_REGISTERED,
                RequestMatcher.match(table, false, frames, offsets, lengths, 2));
    }

    @Test
    void theLastBytesOfA4GibBufferHaveOffsetsOfFull32Bits() {
        table.register(new BufferRuns().add(0, Placement.MAX_BUFFER_FRAMES), 0);
        table.register(new long[] {1L << 30}, 0);
        long last = Placement.MAX_BUFFER_FRAMES - 1;

        long hit = read(segment(last, 3584, 512));

        assertThat(hit).isEqualTo(0xffff_fe00L);
        assertThat(RequestMatcher.buffer(hit)).isZero();
        assertMiss(Miss.CROSSES_RANGE, read(segment(last, 3584, 513)));
    }

    @Test
    void theEndOfA4GibBufferDoesNotLeadIntoTheStartOfTheNext() {
        table.register(new BufferRuns().add(0, Placement.MAX_BUFFER_FRAMES), 0);
        table.register(new long[] {1L << 30}, 0);
        long last = Placement.MAX_BUFFER_FRAMES - 1;

        assertMiss(Miss.OTHER_BUFFER, read(segment(last, 0, PAGE), segment(1L << 30, 0, PAGE)));
        assertMiss(Miss.NOT_CONTIGUOUS, read(segment(last, 0, PAGE), segment(0, 0, PAGE)));
    }

    @Test
    void aSegmentOfNearly2GibIsOneComparison() {
        table.register(new BufferRuns().add(0, Placement.MAX_BUFFER_FRAMES), 0);

        assertThat(read(segment(1, 4095, Integer.MAX_VALUE))).isEqualTo(PAGE + 4095);
    }

    @Test
    void theHighestIndexTakesTheBitsAboveTheOffset() {
        for (int i = 0; i < RangeTable.MAX_BUFFERS; i++) {
            table.register(new long[] {2L * i}, 0);
        }

        assertThat(read(segment(2L * 65_535, 512, 512))).isEqualTo(0xffff_0000_0200L);
    }

    @ParameterizedTest
    @EnumSource
    void everyReasonIsANegativeAnswerOfItsOwn(Miss miss) {
        assertThat(miss.answer()).isNegative();
        assertThat(Miss.of(miss.answer())).isEqualTo(miss);
    }

    @Test
    void aHitHasNoReason() {
        assertThatThrownBy(() -> Miss.of(0)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> Miss.of(-100)).isInstanceOf(IllegalArgumentException.class);
    }

    private record Segment(long frame, int offset, int length) {}

    private static Segment segment(long frame, int offset, int length) {
        return new Segment(frame, offset, length);
    }

    private long read(Segment... segments) {
        return match(false, segments);
    }

    private long write(Segment... segments) {
        return match(true, segments);
    }

    private long match(boolean write, Segment... segments) {
        int count = segments.length;
        long[] frames = new long[count];
        int[] offsets = new int[count];
        int[] lengths = new int[count];
        for (int i = 0; i < count; i++) {
            frames[i] = segments[i].frame();
            offsets[i] = segments[i].offset();
            lengths[i] = segments[i].length();
        }
        return RequestMatcher.match(table, write, frames, offsets, lengths, count);
    }

    private static void assertMiss(Miss expected, long answer) {
        assertThat(answer).isNegative();
        assertThat(Miss.of(answer)).isEqualTo(expected);
    }
}
