package dev.ublk4j.server;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import java.lang.foreign.MemorySegment;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.II_Result;

/**
 * A buffer is removed while a queue catches up with removals.
 *
 * <p>Whoever removes waits until the queue has seen the epoch of the removal, and then frees the
 * memory; a queue that says it has seen the epoch (1) must have let go of the buffer (0 held).
 */
@JCStressTest
@Outcome(id = "0, 1", expect = ACCEPTABLE, desc = "the queue has to look again")
@Outcome(id = "0, 0", expect = ACCEPTABLE, desc = "let go, and has to look again")
@Outcome(id = "1, 0", expect = ACCEPTABLE, desc = "caught up, and let go")
@Outcome(id = "1, 1", expect = FORBIDDEN, desc = "the memory goes while the queue holds it")
@State
public class BufferTableRemoveStress {
    private static final SharedBuffer BUFFER = new SharedBuffer(null, MemorySegment.NULL, true);

    private final BufferTable table = new BufferTable(1);

    public BufferTableRemoveStress() {
        table.enter(BUFFER);
    }

    @Actor
    public void remove() {
        var _ = table.remove(0);
    }

    @Actor
    public void queueThread(II_Result result) {
        long epoch = table.epoch();
        result.r2 = table.lookUp(0) == BUFFER ? 1 : 0;
        result.r1 = epoch == 1 ? 1 : 0;
    }
}
