package dev.ublk4j.embedded.range;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.J_Result;

/**
 * A request is matched while its buffer is taken back and the same pages are registered again, in
 * the other order: it sees the one buffer, none, or the other, and never pages of both.
 */
@JCStressTest
@Outcome(id = "4294967296", expect = ACCEPTABLE, desc = "the buffer as it was")
@Outcome(id = "-2", expect = ACCEPTABLE, desc = "between the two: not registered")
@Outcome(id = "-6", expect = ACCEPTABLE, desc = "the pages in the other order: not contiguous")
@Outcome(expect = FORBIDDEN, desc = "pages of two registrations")
@State
public class RangeTableUnregisterStress {
    private final RangeTable table = new RangeTable();

    public RangeTableUnregisterStress() {
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
