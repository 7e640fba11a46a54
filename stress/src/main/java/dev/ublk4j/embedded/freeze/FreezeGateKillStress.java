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
 * A request enters a gate that is killed and drained, after which what requests use is freed.
 *
 * <p>The request reads the memory twice while it is inside: it is there both times or it is turned
 * away.
 */
@JCStressTest
@Outcome(id = "1, 1", expect = ACCEPTABLE, desc = "inside before the end")
@Outcome(id = "-1, -1", expect = ACCEPTABLE, desc = "turned away")
@Outcome(expect = FORBIDDEN, desc = "freed under a request")
@State
public class FreezeGateKillStress {
    private final FreezeGate gate = new FreezeGate(1, Silent.LISTENER);
    private int memory = 1;

    @Actor
    public void request(II_Result result) {
        if (gate.tryEnter(0)) {
            result.r1 = memory;
            result.r2 = memory;
            gate.exit(0);
        } else {
            result.r1 = -1;
            result.r2 = -1;
        }
    }

    @Actor
    public void end() {
        gate.kill();
        if (gate.drain(Duration.ofDays(1))) {
            memory = 0;
        }
    }
}
