package dev.ublk4j.embedded.handoff;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.II_Result;

/**
 * An item is added while the inbox is closed: it is refused, or whoever closes gets it.
 *
 * <p>An item that was taken in and that nobody gets is a request without an answer.
 */
@JCStressTest
@Outcome(id = "1, 1", expect = ACCEPTABLE, desc = "taken in, and handed over")
@Outcome(id = "0, 0", expect = ACCEPTABLE, desc = "refused")
@Outcome(id = "1, 0", expect = FORBIDDEN, desc = "lost")
@Outcome(id = "0, 1", expect = FORBIDDEN, desc = "refused, and handed over all the same")
@State
public class InboxCloseStress {
    private final Inbox<Item> inbox = new Inbox<>();

    @Actor
    public void push(II_Result result) {
        result.r1 = inbox.push(new Item(1)) ? 1 : 0;
    }

    @Actor
    public void close(II_Result result) {
        result.r2 = Item.digits(inbox.close());
    }
}
