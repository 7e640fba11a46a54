package dev.ublk4j.embedded.range;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import java.util.stream.LongStream;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.J_Result;

/**
 * A long request is matched while its buffer is taken back and registered again with a page in
 * front, where every frame has a word that is changed in place.
 *
 * <p>It is matched at the old offset or at the new one, or finds nothing in between. A reader that
 * did not start over when it met a change would see pages at both, and tell that they do not follow
 * each other (-6).
 */
@JCStressTest
@Outcome(id = "4294967296", expect = ACCEPTABLE, desc = "the buffer as it was")
@Outcome(id = "-2", expect = ACCEPTABLE, desc = "between the two: not registered")
@Outcome(id = "4294971392", expect = ACCEPTABLE, desc = "the buffer with a page in front")
@Outcome(expect = FORBIDDEN, desc = "pages of two registrations")
@State
public class DenseRangesStress {
    private static final int PAGES = 500;
    private static final BufferRuns OLD =
            BufferRuns.ofFrames(LongStream.range(2000, 2000 + PAGES).toArray());
    private static final BufferRuns NEW =
            BufferRuns.ofFrames(
                    LongStream.concat(LongStream.of(10), LongStream.range(2000, 2000 + PAGES))
                            .toArray());

    /** Of a page: matching then takes longer than the two changes together. */
    private static final int PIECES = 8;

    private static final int SEGMENTS = PAGES * PIECES;
    private static final long[] FRAMES = new long[SEGMENTS];
    private static final int[] OFFSETS = new int[SEGMENTS];
    private static final int[] LENGTHS = new int[SEGMENTS];

    static {
        for (int i = 0; i < SEGMENTS; i++) {
            FRAMES[i] = 2000 + i / PIECES;
            OFFSETS[i] = i % PIECES * (4096 / PIECES);
            LENGTHS[i] = 4096 / PIECES;
        }
    }

    private final RangeTable table = new RangeTable(1);

    public DenseRangesStress() {
        // Keeps the words while the other buffer is away.
        var _ = table.register(new long[] {5}, 0);
        var _ = table.register(OLD, 0);
    }

    @Actor
    public void match(J_Result result) {
        result.r1 = RequestMatcher.match(table, true, FRAMES, OFFSETS, LENGTHS, SEGMENTS);
    }

    @Actor
    public void change() {
        var _ = table.unregister(1);
        var _ = table.register(NEW, 0);
    }
}
