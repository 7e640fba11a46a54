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
 * A request enters while a freezer concludes that nobody is inside.
 *
 * <p>The freezer changes two plain fields while the gate is frozen; the request reads both inside.
 * It may come before the freeze (0, 0), after it (1, 1), or be turned away (-1, -1). If it found
 * them different it would have been inside a frozen gate, or not see what was done in it.
 */
@JCStressTest
@Outcome(id = "0, 0", expect = ACCEPTABLE, desc = "before the freeze")
@Outcome(id = "1, 1", expect = ACCEPTABLE, desc = "after the freeze")
@Outcome(id = "-1, -1", expect = ACCEPTABLE, desc = "turned away")
@Outcome(expect = FORBIDDEN, desc = "inside a frozen gate")
@State
public class FreezeGateEnterStress {
    private final FreezeGate gate = new FreezeGate(1, Silent.LISTENER);
    private int left;
    private int right;

    @Actor
    public void request(II_Result result) {
        if (gate.tryEnter(0)) {
            result.r1 = left;
            result.r2 = right;
            gate.exit(0);
        } else {
            result.r1 = -1;
            result.r2 = -1;
        }
    }

    @Actor
    public void freezer() {
        if (gate.freeze(Duration.ofDays(1)) == FreezeOutcome.FROZEN) {
            left = 1;
            right = 1;
            gate.thaw();
        }
    }
}
