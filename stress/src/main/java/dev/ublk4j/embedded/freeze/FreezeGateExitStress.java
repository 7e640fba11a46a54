package dev.ublk4j.embedded.freeze;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import java.time.Duration;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.II_Result;

/**
 * The last request leaves while a freezer is about to park.
 *
 * <p>The request was inside from the start; it writes a plain field and exits. The freezer must
 * wake up, and see the field. A missed exit would leave it parked for the length of its patience.
 */
@JCStressTest
@Outcome(id = "1, 1", expect = ACCEPTABLE, desc = "frozen, and the request's work is visible")
@Outcome(id = "0, .*", expect = FORBIDDEN, desc = "the exit was missed")
@Outcome(id = "1, 0", expect = FORBIDDEN, desc = "frozen before the request was done")
@State
public class FreezeGateExitStress {
    private static final Duration PATIENCE = Duration.ofMinutes(1);

    private final FreezeGate gate = new FreezeGate(1, Silent.LISTENER);
    private int work;

    public FreezeGateExitStress() {
        gate.tryEnter(0);
    }

    @Actor
    public void request() {
        work = 1;
        gate.exit(0);
    }

    @Actor
    public void freezer(II_Result result) {
        result.r1 = gate.freeze(PATIENCE) == FreezeOutcome.FROZEN ? 1 : 0;
        result.r2 = work;
    }
}
