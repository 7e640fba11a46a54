package dev.ublk4j.embedded.handoff;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.II_Result;

/**
 * One thread adds two items while another empties the inbox.
 *
 * <p>The digits are the items in the order in which they were taken, first by the thread and then
 * by whoever looks last. Each is taken once, and the second never before the first.
 */
@JCStressTest
@Outcome(id = "0, 12", expect = ACCEPTABLE, desc = "taken before the first")
@Outcome(id = "1, 2", expect = ACCEPTABLE, desc = "taken between them")
@Outcome(id = "12, 0", expect = ACCEPTABLE, desc = "taken after the second")
@Outcome(expect = FORBIDDEN, desc = "lost, twice, or out of order")
@State
public class InboxPushStress {
    private final Inbox<Item> inbox = new Inbox<>();

    @Actor
    public void push() {
        inbox.push(new Item(1));
        inbox.push(new Item(2));
    }

    @Actor
    public void take(II_Result result) {
        result.r1 = Item.digits(inbox.takeAll());
    }

    @Arbiter
    public void rest(II_Result result) {
        result.r2 = Item.digits(inbox.takeAll());
    }
}
