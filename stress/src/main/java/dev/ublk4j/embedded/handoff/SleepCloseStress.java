package dev.ublk4j.embedded.handoff;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.I_Result;

/**
 * Work arrives for a queue thread that ends: its descriptor must not be signaled once it is closed,
 * when its number may be another file's.
 */
@JCStressTest
@Outcome(id = "0", expect = ACCEPTABLE, desc = "came too late")
@Outcome(id = "1", expect = ACCEPTABLE, desc = "signaled in time")
@Outcome(id = "2", expect = FORBIDDEN, desc = "signaled a closed descriptor")
@State
public class SleepCloseStress {
    private boolean descriptorClosed;
    private int signaled;
    private final SleepAnnouncement announcement =
            new SleepAnnouncement(() -> signaled = descriptorClosed ? 2 : 1);

    public SleepCloseStress() {
        announcement.make();
    }

    @Actor
    public void bringWork(I_Result result) {
        announcement.signalIfMade();
        result.r1 = signaled;
    }

    @Actor
    public void end() {
        announcement.close();
        descriptorClosed = true;
    }
}
