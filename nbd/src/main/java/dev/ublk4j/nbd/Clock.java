package dev.ublk4j.nbd;

import dev.ublk4j.linux.internal.Complaint;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.concurrent.locks.LockSupport;

/** Has something done again and again, on a thread of its own. */
final class Clock implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger(Clock.class.getName());

    private final long periodNanos;
    private final Runnable tick;
    private final Complaint complaint = new Complaint(LOG);
    private final Thread thread;
    private volatile boolean closed;

    /**
     * Starts.
     *
     * @param tick what is done; whatever it throws, it is done again
     */
    Clock(Duration period, Runnable tick, Threads threads) {
        this.periodNanos = period.toNanos();
        this.tick = tick;
        this.thread = threads.start("nbd-clock", this::run);
    }

    private void run() {
        while (!closed) {
            LockSupport.parkNanos(periodNanos);
            try {
                tick.run();
                complaint.over("the clock of NBD clients works again");
            } catch (Throwable e) {
                complaint.make(Level.ERROR, "the clock of NBD clients fails: " + e);
            }
        }
    }

    /** Ends it; nothing is under way when this returns. */
    @Override
    public void close() {
        closed = true;
        LockSupport.unpark(thread);
        try {
            thread.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
