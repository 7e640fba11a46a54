package dev.ublk4j.server;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.II_Result;

/**
 * An answer comes late, while the tag is answered by its queue's thread and delivered with the next
 * request: it must not end that one.
 */
@JCStressTest
@Outcome(id = "0, 1", expect = ACCEPTABLE, desc = "too late; the next request is still out")
@Outcome(id = "1, 1", expect = ACCEPTABLE, desc = "in time; the next request is still out")
@Outcome(id = "1, 0", expect = FORBIDDEN, desc = "ended the next request")
@Outcome(id = "0, 0", expect = FORBIDDEN, desc = "the next request is lost")
@State
public class TagLateAnswerStress {
    private final TagTable tags = new TagTable(1);
    private final long first = tags.deliver(0);
    private long second;

    @Actor
    public void late(II_Result result) {
        result.r1 = tags.answer(first) ? 1 : 0;
    }

    @Actor
    public void queueThread() {
        // Either answer ends the request; the tag goes round in both cases.
        var _ = tags.answer(first);
        tags.fetch(0);
        second = tags.deliver(0);
    }

    @Arbiter
    public void look(II_Result result) {
        result.r2 = tags.isOut(second) ? 1 : 0;
    }
}
