package dev.ublk4j.testkit;

import dev.ublk4j.embedded.DiskCompletion;
import dev.ublk4j.embedded.DiskRequest;
import dev.ublk4j.linux.Deadline;
import dev.ublk4j.linux.LinuxException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** A request that has been submitted. */
public final class InFlight implements DiskCompletion {
    private final DiskRequest request = new DiskRequest(this);
    private final TestBed bed;
    private final CountDownLatch done = new CountDownLatch(1);
    private volatile long result;

    InFlight(TestBed bed) {
        this.bed = bed;
    }

    DiskRequest request() {
        return request;
    }

    /** {@return whether the request has ended} */
    public boolean isDone() {
        return done.getCount() == 0;
    }

    /**
     * Waits for the request to end.
     *
     * @return bytes done, 0 for a flush, or a negative errno
     * @throws AssertionError when it has not within 30 seconds, with what the test bed looks like
     */
    public long result() {
        boolean interrupted = false;
        Deadline deadline = Deadline.in(TestBed.PATIENCE);
        while (true) {
            try {
                if (done.await(deadline.leftNanos(), TimeUnit.NANOSECONDS)) {
                    break;
                }
                throw new NoAnswerError("no answer to a " + request + "; " + bed);
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
        return result;
    }

    /**
     * Waits for the request to end well.
     *
     * @return bytes done
     * @throws LinuxException when it ends with an errno
     */
    public long check() {
        return LinuxException.check(request.toString(), bed.disk().toString(), result());
    }

    @Override
    public void onDone(DiskRequest ended, long answer) {
        result = answer;
        done.countDown();
    }

    @Override
    public String toString() {
        return request + (isDone() ? ": " + result : ", in flight");
    }
}
