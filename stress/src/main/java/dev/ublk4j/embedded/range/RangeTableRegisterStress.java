package dev.ublk4j.embedded.range;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.J_Result;

/**
 * A request is matched while its buffer is registered.
 *
 * <p>Its three segments are in three ranges of the buffer. It is matched whole, at offset 0 of
 * buffer 1, or finds nothing at its first segment; a reader that saw half a registration, or nodes
 * that are not filled in, would tell another miss or another address.
 */
@JCStressTest
@Outcome(id = "-2", expect = ACCEPTABLE, desc = "before the registration")
@Outcome(id = "4294967296", expect = ACCEPTABLE, desc = "after it: buffer 1, offset 0")
@Outcome(expect = FORBIDDEN, desc = "half a registration")
@State
public class RangeTableRegisterStress {
    private final RangeTable table = new RangeTable();

    public RangeTableRegisterStress() {
        var _ = table.register(Request.others(), 0);
    }

    @Actor
    public void match(J_Result result) {
        result.r1 = Request.match(table);
    }

    @Actor
    public void register() {
        var _ = table.register(Request.frames(), 0);
    }
}
