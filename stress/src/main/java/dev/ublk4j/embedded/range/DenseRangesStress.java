package dev.ublk4j.embedded.range;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.J_Result;

/**
 * The same where every frame has a word in front of the tree, which is changed in place: a reader
 * that meets a change must start over with the tree, or it would see pages of both buffers.
 */
@JCStressTest
@Outcome(id = "4294967296", expect = ACCEPTABLE, desc = "the buffer as it was")
@Outcome(id = "-2", expect = ACCEPTABLE, desc = "between the two: not registered")
@Outcome(id = "-6", expect = ACCEPTABLE, desc = "the pages in the other order: not contiguous")
@Outcome(expect = FORBIDDEN, desc = "pages of two registrations")
@State
public class DenseRangesStress {
    private final RangeTable table = new RangeTable(1);

    public DenseRangesStress() {
        var _ = table.register(Request.others(), 0);
        var _ = table.register(Request.frames(), 0);
    }

    @Actor
    public void match(J_Result result) {
        result.r1 = Request.match(table);
    }

    @Actor
    public void change() {
        var _ = table.unregister(1);
        var _ = table.register(Request.reversed(), 0);
    }
}
