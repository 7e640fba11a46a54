package dev.ublk4j.server;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import java.lang.foreign.MemorySegment;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.I_Result;

/**
 * A request names a buffer as soon as REG_BUF has given out its index, before the server has
 * entered it.
 *
 * <p>The queue's thread finds the buffer, sets the request aside because a registration is under
 * way, or finds it at the second look. A request whose buffer is known to nobody would fail.
 */
@JCStressTest
@Outcome(id = "0", expect = ACCEPTABLE, desc = "the index has not been given out yet")
@Outcome(id = "1", expect = ACCEPTABLE, desc = "found")
@Outcome(id = "2", expect = ACCEPTABLE, desc = "set aside until the registration has ended")
@Outcome(id = "3", expect = FORBIDDEN, desc = "the buffer is not known")
@State
public class BufferTablePublishStress {
    private static final SharedBuffer BUFFER = new SharedBuffer(null, MemorySegment.NULL, true);

    private final BufferTable table = new BufferTable(1);

    private volatile boolean given;

    @Actor
    public void register() {
        table.beginRegistration();
        given = true; // REG_BUF returns, and the device runs
        table.enter(BUFFER);
        table.endRegistration();
    }

    @Actor
    public void queueThread(I_Result result) {
        if (!given) {
            result.r1 = 0;
        } else if (table.lookUp(0) != null) {
            result.r1 = 1;
        } else if (table.isRegistering()) {
            result.r1 = 2;
        } else {
            result.r1 = table.lookUp(0) != null ? 1 : 3;
        }
    }
}
