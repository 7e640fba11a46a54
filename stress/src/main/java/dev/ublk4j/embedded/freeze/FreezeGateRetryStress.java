package dev.ublk4j.embedded.freeze;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import java.util.concurrent.atomic.AtomicInteger;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.II_Result;

/**
 * A request is turned away while the gate opens.
 *
 * <p>It puts itself into a list and looks at the gate again; who opens the gate looks at the list
 * afterwards. One of the two must take it out, and only one can.
 */
@JCStressTest
@Outcome(id = "1, 0", expect = ACCEPTABLE, desc = "got in, at once or at the second look")
@Outcome(id = "0, 0", expect = FORBIDDEN, desc = "gone, and nobody has let it in")
@Outcome(id = "0, 1", expect = FORBIDDEN, desc = "left in the list of an open gate")
@Outcome(expect = FORBIDDEN, desc = "let in twice")
@State
public class FreezeGateRetryStress implements GateListener {
    private final FreezeGate gate = new FreezeGate(1, this);
    private final AtomicInteger list = new AtomicInteger();
    private final AtomicInteger passed = new AtomicInteger();

    public FreezeGateRetryStress() {
        var _ = gate.freeze(java.time.Duration.ofDays(1));
    }

    @Actor
    public void request() {
        if (gate.tryEnter(0)) {
            passed.incrementAndGet();
            return;
        }
        list.incrementAndGet();
        if (gate.isOpen(0)) {
            onOpened();
        }
    }

    @Actor
    public void thaw() {
        gate.thaw();
    }

    @Override
    public void onOpened() {
        if (list.compareAndSet(1, 0)) {
            passed.incrementAndGet();
        }
    }

    @Override
    public void onKilled() {}

    @Arbiter
    public void count(II_Result result) {
        result.r1 = passed.get();
        result.r2 = list.get();
    }
}
