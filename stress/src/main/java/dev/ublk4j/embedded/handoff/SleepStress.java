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
 * Work arrives while a queue thread goes to sleep.
 *
 * <p>The thread announces that it will sleep and looks into its inbox once more; who brings work
 * pushes it and then looks at the announcement. A thread that has seen no work (0) must have been
 * signaled (1), or it sleeps on a full inbox.
 */
@JCStressTest
@Outcome(id = "0, 1", expect = ACCEPTABLE, desc = "asleep, and woken")
@Outcome(id = "1, 0", expect = ACCEPTABLE, desc = "saw the work, and was not signaled")
@Outcome(id = "1, 1", expect = ACCEPTABLE, desc = "saw the work, and was signaled all the same")
@Outcome(id = "0, 0", expect = FORBIDDEN, desc = "asleep for good")
@State
public class SleepStress {
    private final Inbox<Item> inbox = new Inbox<>();
    private int signals;
    private final SleepAnnouncement announcement = new SleepAnnouncement(() -> signals++);

    @Actor
    public void queueThread(II_Result result) {
        announcement.make();
        result.r1 = inbox.isEmpty() ? 0 : 1;
    }

    @Actor
    public void bringWork() {
        inbox.push(new Item(1));
        announcement.signalIfMade();
    }

    @Arbiter
    public void count(II_Result result) {
        result.r2 = signals;
    }
}
