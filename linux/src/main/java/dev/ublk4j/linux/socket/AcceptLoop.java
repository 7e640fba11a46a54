package dev.ublk4j.linux.socket;

import dev.ublk4j.linux.EventFd;
import dev.ublk4j.linux.Fd;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.linux.Poll;
import dev.ublk4j.linux.internal.Complaint;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;

/**
 * Takes in who connects, one after the other, until it is told to stop. Nothing that goes wrong
 * with one keeps the next from being taken in: not a lack of descriptors, of threads or of memory.
 *
 * @param <C> who connects
 */
public final class AcceptLoop<C extends AutoCloseable> implements Runnable {
    private static final System.Logger LOG = System.getLogger(AcceptLoop.class.getName());

    private static final Duration FOREVER = Duration.ofSeconds(-1);

    /** How long to wait when one could not be taken in: somebody may give something back. */
    private static final Duration PAUSE = Duration.ofMillis(100);

    private static final int STOP = 1;

    static {
        // A formatter of log lines needs the time zone, whose data cannot be loaded when there are
        // no descriptors, which is when this logs; a class that failed to load once never does.
        var _ = ZoneId.systemDefault();
    }

    private final Acceptor<C> acceptor;
    private final Fd stop;
    private final int spare;
    private final Consumer<C> onClient;
    private final Complaint complaint = new Complaint(LOG);

    /**
     * Makes a loop.
     *
     * @param acceptor does not wait; stays open until the loop has ended
     * @param stop ends the loop when it can be read; stays open until then
     * @param onClient given each that has connected, on the loop's thread. When it throws, the
     *     connection is closed here, and the loop goes on
     */
    public AcceptLoop(Acceptor<C> acceptor, Fd stop, Consumer<C> onClient) {
        this(acceptor, stop, 0, onClient);
    }

    /**
     * Makes a loop that lets nobody in before there is room; see {@link #AcceptLoop(Acceptor, Fd,
     * Consumer)}.
     *
     * @param spare how many descriptors must be free for one who has connected. It needs some, and
     *     so does all that is done for the first time: a class that cannot be loaded once is
     *     missing for good
     */
    public AcceptLoop(Acceptor<C> acceptor, Fd stop, int spare, Consumer<C> onClient) {
        this.acceptor = acceptor;
        this.stop = stop;
        this.spare = spare;
        this.onClient = onClient;
    }

    /** Takes in clients until it is told to stop. */
    @Override
    public void run() {
        try (Poll poll = new Poll(acceptor.fd(), stop);
                Poll pause = new Poll(stop)) {
            boolean goesOn = true;
            while (goesOn) {
                goesOn = turn(poll, pause) || !isStoppedWithin(pause);
            }
        }
    }

    /** {@return whether to go on at once; false after a failure, and when the loop is to stop} */
    private boolean turn(Poll poll, Poll pause) {
        try {
            poll.await(FOREVER);
            if (poll.seen(STOP) != 0) {
                return false;
            }
            C client = acceptor.acceptOrNull();
            if (client != null) {
                take(client, pause);
                complaint.over(acceptor + ": clients are let in again");
            }
            return true;
        } catch (Throwable e) {
            complain(e.toString());
            boolean _ = Complaint.log(LOG, Level.DEBUG, "why", e);
            return false;
        }
    }

    private void complain(String reason) {
        complaint.make(
                Level.WARNING,
                "%s: clients have to wait, they cannot be let in: %s".formatted(acceptor, reason));
    }

    private static boolean isStoppedWithin(Poll pause) {
        try {
            return pause.await(PAUSE);
        } catch (Throwable _) {
            LockSupport.parkNanos(PAUSE.toNanos());
            return false;
        }
    }

    private void take(C client, Poll pause) throws Exception {
        try {
            while (!hasSpare()) {
                if (isStoppedWithin(pause)) {
                    client.close();
                    return;
                }
            }
            onClient.accept(client);
        } catch (Throwable e) {
            client.close();
            throw e;
        }
    }

    private boolean hasSpare() {
        List<EventFd> taken = new ArrayList<>();
        try {
            while (taken.size() < spare) {
                taken.add(EventFd.blocking());
            }
            return true;
        } catch (LinuxException e) {
            complain(String.valueOf(e.getMessage()));
            return false;
        } finally {
            taken.forEach(EventFd::close);
        }
    }
}
