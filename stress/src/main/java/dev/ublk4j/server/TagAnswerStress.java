package dev.ublk4j.server;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.II_Result;

/** Two threads answer one request: exactly one of them has answered it. */
@JCStressTest
@Outcome(
        id = {"1, 0", "0, 1"},
        expect = ACCEPTABLE,
        desc = "one of them")
@Outcome(id = "0, 0", expect = FORBIDDEN, desc = "a request without an answer")
@Outcome(id = "1, 1", expect = FORBIDDEN, desc = "a request with two answers")
@State
public class TagAnswerStress {
    private final TagTable tags = new TagTable(1);
    private final long id = tags.deliver(0);

    @Actor
    public void one(II_Result result) {
        result.r1 = tags.answer(id) ? 1 : 0;
    }

    @Actor
    public void other(II_Result result) {
        result.r2 = tags.answer(id) ? 1 : 0;
    }
}
