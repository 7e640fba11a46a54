package dev.ublk4j.exports;

import dev.ublk4j.embedded.Disk;
import dev.ublk4j.embedded.DiskRequest;
import dev.ublk4j.linux.Deadline;
import dev.ublk4j.linux.internal.QuietLog;
import dev.ublk4j.server.spi.QueueGuest;
import dev.ublk4j.server.spi.QueueHost;
import dev.ublk4j.uring.Ring;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.jspecify.annotations.Nullable;

/**
 * Serves clients of a protocol on the thread of one of a device's queues, until the queue ends.
 *
 * <p>Everything belongs to the queue's thread, apart from {@link #execute}, by which other threads
 * have something done there.
 */
public abstract class QueueFront {
    /*
     * One turn:
     * ---------
     * 1. What other threads want done is done.
     * 2. The protocol sends what the disk has answered since the last turn, and submits what its clients
     *    have asked for.
     * 3. The next pass over the queue's ring hands that to the target, the one after that commits what the
     *    target has answered. So a batch costs one turn, whatever its size.
     *
     * Sleeping:
     * ---------
     * A thread without work looks on for a while that adapts to its clients, and then sleeps until its
     * ring has a completion or somebody calls it.
     */
    private static final System.Logger LOG = System.getLogger(QueueFront.class.getName());
    private static final QuietLog FAILURES = new QuietLog(LOG);

    /** How long clients' requests may take to end when the queue does. */
    private static final Duration PATIENCE = Duration.ofSeconds(5);

    private static final Duration PAUSE = Duration.ofMillis(1);

    private final int number;
    private final AdaptiveWait wait;
    private final Guest guest = new Guest();

    /** What other threads want done. */
    private final ConcurrentLinkedQueue<Runnable> mailbox = new ConcurrentLinkedQueue<>();

    /** Set before any client is served. */
    private @Nullable Disk disk;

    private @Nullable Thread thread;
    private boolean ending;
    private volatile @Nullable QueueHost host;
    private volatile boolean ended;

    /**
     * Makes the front of a queue.
     *
     * @param number the queue's
     * @param longestPoll how long to look for requests, at most, before sleeping
     */
    protected QueueFront(int number, Duration longestPoll) {
        this.number = number;
        this.wait = new AdaptiveWait(longestPoll.toNanos());
    }

    QueueGuest guest() {
        return guest;
    }

    void open(Disk newDisk) {
        disk = newDisk;
    }

    /** {@return the queue's number} */
    public final int number() {
        return number;
    }

    /** {@return whether the calling thread is the queue's} */
    public final boolean isHere() {
        return Thread.currentThread() == thread;
    }

    /**
     * Has something done on the queue's thread, in the order in which it is asked for; from any
     * thread. What it throws is logged.
     *
     * @return whether it will be; not when the queue has ended
     */
    public final boolean execute(Runnable task) {
        QueueHost live = host;
        if (live == null || ended) {
            return false;
        }
        mailbox.add(task);
        live.call();
        // If the queue has ended meanwhile, its last turn may have found the task or not.
        return !ended || !mailbox.remove(task);
    }

    /** {@return the ring on which the front prepares I/O of its own} */
    protected final Ring ring() {
        return host().ring();
    }

    /**
     * {@return what to give I/O on the {@linkplain #ring ring} as user data}
     *
     * @param value below 2 to the 60th, handed to {@link #completed}
     */
    protected final long userData(long value) {
        return host().userData(value);
    }

    private QueueHost host() {
        QueueHost live = host;
        if (live == null) {
            throw new IllegalStateException("queue " + number + " has not started");
        }
        return live;
    }

    void submit(DiskRequest request) {
        Disk open = disk;
        if (open == null) {
            throw new IllegalStateException("queue " + number + " has no disk yet");
        }
        open.submit(request, number);
    }

    /** {@return whether the queue ends, and no client is to be taken any more} */
    protected final boolean isEnding() {
        return ending;
    }

    /**
     * Hears that I/O of the front's own has completed.
     *
     * @param value as given to {@link #userData}
     * @param result the result of the I/O, or a negative errno
     * @param flags of the completion, {@code IORING_CQE_F_...}
     */
    protected abstract void completed(long value, int result, int flags);

    /**
     * Sends what has been answered since the last turn, and submits what clients have asked for.
     * May not block.
     *
     * @return whether there was anything, so that there is another turn at once
     */
    protected abstract boolean serve();

    /** {@return whether there is somebody whose next request is worth looking out for} */
    protected abstract boolean hasClients();

    /** The thread has work, and goes on; a client need not wake it. */
    protected void goOn() {}

    /**
     * The thread is about to sleep; clients must wake it from now on.
     *
     * @return whether it may, as nothing has come meanwhile
     */
    protected boolean sleep() {
        return true;
    }

    /** Begins to end what is served, as the queue ends. I/O on the ring is cancelled after this. */
    protected abstract void end();

    /** {@return whether everything has ended that was served} */
    protected abstract boolean hasEnded();

    private void runTasks() {
        for (Runnable task = mailbox.poll(); task != null; task = mailbox.poll()) {
            run(task);
        }
    }

    /** Whatever goes wrong with one task, the queue's device and its other clients go on. */
    private void run(Runnable task) {
        try {
            task.run();
        } catch (Throwable e) {
            FAILURES.log(Level.ERROR, () -> this + ": a task of its clients has failed", e);
        }
    }

    private void turnOfEnd() {
        runTasks();
        boolean _ = serve();
    }

    private final class Guest implements QueueGuest {
        @Override
        public void started(QueueHost newHost) {
            thread = Thread.currentThread();
            host = newHost;
        }

        @Override
        public void completed(long value, int result, int flags) {
            QueueFront.this.completed(value, result, flags);
        }

        @Override
        public boolean turn(boolean busy) {
            runTasks();
            if (serve() || busy) {
                if (wait.isAsleep()) {
                    wait.awake(System.nanoTime());
                } else {
                    wait.busy();
                }
                goOn();
                return true;
            }
            return hasClients() && looksOn();
        }

        private boolean looksOn() {
            long now = System.nanoTime();
            if (!wait.sleeps(now)) {
                Thread.onSpinWait();
                return true;
            }
            if (!sleep()) {
                return true;
            }
            wait.asleep(now);
            return false;
        }

        @Override
        public void stopped() {
            ending = true;
            runTasks();
            end();
            QueueHost mine = host();
            boolean _ = mine.ring().cancelAll(PATIENCE.toNanos());
            boolean isOver =
                    Deadline.in(PATIENCE)
                            .poll(
                                    PAUSE,
                                    () -> {
                                        mine.drain();
                                        turnOfEnd();
                                        return hasEnded();
                                    });
            ended = true;
            turnOfEnd();
            if (!isOver && !hasEnded()) {
                LOG.log(
                        Level.ERROR,
                        () -> QueueFront.this + ": requests of its clients do not end");
            }
        }
    }

    @Override
    public String toString() {
        QueueHost live = host;
        return live == null ? "queue " + number : live.toString();
    }
}
