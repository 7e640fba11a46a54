package dev.ublk4j.embedded;

import java.util.concurrent.CountDownLatch;

/** A request whose submitter waits for it. */
final class BlockingRequest implements DiskCompletion {
    private final CountDownLatch done = new CountDownLatch(1);
    private final DiskRequest request = new DiskRequest(this);
    private volatile long result;

    DiskRequest request() {
        return request;
    }

    /**
     * {@return the result of the request that has been submitted, whenever that is; interrupts are
     * kept for later}
     */
    long await() {
        boolean interrupted = false;
        while (true) {
            try {
                done.await();
                break;
            } catch (InterruptedException e) {
                interrupted = true; // direct I/O cannot be interrupted either
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
        return result;
    }

    @Override
    public void onDone(DiskRequest ended, long answer) {
        result = answer;
        done.countDown();
    }
}
