package dev.ublk4j.embedded.range;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Readers look up while buffers come and go.
 *
 * <p>Each buffer has a region of frames of its own, and a frame's number in the region with some
 * bits turned is its number in the buffer, so an answer can be checked against the frame alone. A
 * request that covers a whole buffer may hit or be told that nothing is registered; any other
 * answer means that it saw a part of the buffer.
 */
class RangeTableConcurrencyTest {
    private static final int REGIONS = 12;
    private static final int REGION_FRAMES = 512;

    /** Turning the lowest bits leaves no two frames of a buffer consecutive. */
    private static final int TURNED = 5;

    private static final int CHANGES = 3000;

    private RangeTable table = new RangeTable();
    private final AtomicBoolean done = new AtomicBoolean();
    private final CountDownLatch reading = new CountDownLatch(2);

    /** All frames are in one region, which has no words, always, or from three buffers on. */
    @ParameterizedTest
    @ValueSource(ints = {Integer.MAX_VALUE, 1, 3 * REGION_FRAMES})
    void everyAnswerIsRightByItselfAndABufferIsSeenWholeOrNotAtAll(int dense) throws Exception {
        table = new RangeTable(dense);
        table.register(frames(0), 0);
        List<Future<long[]>> readers = new ArrayList<>();
        try (ExecutorService threads = Executors.newFixedThreadPool(2)) {
            for (int i = 0; i < 2; i++) {
                readers.add(threads.submit(reader(i)));
            }
            try {
                assertThat(reading.await(4, TimeUnit.MINUTES)).isTrue();
                write();
            } finally {
                done.set(true);
            }
        }
        for (Future<long[]> reader : readers) {
            long[] seen = reader.get();
            assertThat(seen[0]).as("look-ups that found nothing").isPositive();
            assertThat(seen[1]).as("look-ups that found a buffer").isPositive();
        }
        table.checkInvariants();
    }

    private void write() {
        Random random = new Random(1);
        int[] indexes = new int[REGIONS];
        Arrays.fill(indexes, -1);
        for (int i = 0; i < CHANGES; i++) {
            // The first region stays, the second is never there.
            int region = random.nextInt(2, REGIONS);
            if (indexes[region] >= 0) {
                assertThat(table.unregister(indexes[region])).isZero();
                indexes[region] = -1;
            } else {
                indexes[region] = table.register(frames(region), region & 1);
                assertThat(indexes[region]).isBetween(1, REGIONS - 1);
            }
        }
    }

    private Callable<long[]> reader(int seed) {
        return () -> {
            Random random = new Random(seed);
            long[] seen = new long[2];
            int[] offsets = new int[REGION_FRAMES];
            int[] lengths = new int[REGION_FRAMES];
            Arrays.fill(lengths, 4096);
            long[][] requests = new long[REGIONS][];
            for (int region = 0; region < REGIONS; region++) {
                requests[region] = frames(region);
            }
            boolean first = true;
            while (!done.get() || seen[0] == 0 || seen[1] == 0) {
                int region = random.nextInt(REGIONS);
                long answer =
                        RequestMatcher.match(
                                table, true, requests[region], offsets, lengths, REGION_FRAMES);
                if (answer < 0) {
                    assertThat(region).as("a region that can be missing").isPositive();
                    assertThat(Miss.of(answer)).isEqualTo(Miss.NOT_REGISTERED);
                } else {
                    assertThat(RequestMatcher.offsetBytes(answer)).isZero();
                    assertThat(RequestMatcher.buffer(answer)).isLessThan(REGIONS);
                }
                for (int i = 0; i < 64; i++) {
                    seen[check(random.nextInt(REGIONS * REGION_FRAMES))]++;
                }
                if (first) {
                    first = false;
                    reading.countDown();
                }
            }
            return seen;
        };
    }

    private int check(int frame) {
        long placement = table.find(frame);
        int region = frame / REGION_FRAMES;
        if (placement == Placement.NONE && region != 0) {
            return 0;
        }
        long offset = (long) (frame % REGION_FRAMES ^ TURNED) * 4096;
        if (Placement.offsetBytes(placement) != offset
                || Placement.flags(placement) != (region & 1)
                || Placement.frames(placement) != 1
                || Placement.buffer(placement) >= REGIONS) {
            throw new AssertionError("frame " + frame + ": " + Long.toHexString(placement));
        }
        return 1;
    }

    private static long[] frames(int region) {
        long[] frames = new long[REGION_FRAMES];
        for (int i = 0; i < REGION_FRAMES; i++) {
            frames[i] = (long) region * REGION_FRAMES + (i ^ TURNED);
        }
        return frames;
    }
}
