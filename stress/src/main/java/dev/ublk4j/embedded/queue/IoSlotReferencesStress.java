package dev.ublk4j.embedded.queue;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.II_Result;

/**
 * A server copies the data of a request on one thread while the tag's thread commits it.
 *
 * <p>Whoever lets go last completes the request (1), exactly one of the two; a copy that comes
 * after the completion does not get in (-1).
 */
@JCStressTest
@Outcome(id = "-1, 1", expect = ACCEPTABLE, desc = "committed before the copy")
@Outcome(id = "0, 1", expect = ACCEPTABLE, desc = "copied before the commit")
@Outcome(id = "1, 0", expect = ACCEPTABLE, desc = "committed during the copy")
@Outcome(expect = FORBIDDEN, desc = "completed twice, never, or under a copy")
@State
public class IoSlotReferencesStress {
    private final IoSlot slot = new IoSlot(0, 0, true);

    public IoSlotReferencesStress() {
        slot.openReferences();
    }

    @Actor
    public void copy(II_Result result) {
        result.r1 = !slot.acquire() ? -1 : slot.release() ? 1 : 0;
    }

    @Actor
    public void commit(II_Result result) {
        result.r2 = slot.release() ? 1 : 0;
    }
}
