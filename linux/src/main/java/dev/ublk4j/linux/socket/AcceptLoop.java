package dev.ublk4j.linux.socket;

import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.Fd;
import dev.ublk4j.linux.Poll;
import dev.ublk4j.linux.internal.Complaint;
import dev.ublk4j.linux.internal.FreeDescriptors;
import dev.ublk4j.linux.internal.QuietLog;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.time.ZoneId;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import java.util.function.IntSupplier;

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

    private static final String TOO_FEW =
            Errno.EMFILE.text() + "; to raise the limit: ulimit -n, or LimitNOFILE= of a unit";

    static {
        // A formatter of log lines needs the time zone, whose data cannot be loaded when there are
        // no descriptors, which is when this logs; a class that failed to load once never does.
        var _ = ZoneId.systemDefault();
        boolean _ = FreeDescriptors.areAtLeast(0);
    }

    private final Acceptor<C> acceptor;
    private final Fd stop;
    private final IntSupplier spare;
    private final Consumer<C> onClient;
    private final QuietLog waits = new QuietLog(LOG);

    /**
     * Makes a loop.
     *
     * @param acceptor does not wait; stays open until the loop has ended
     * @param stop ends the loop when it can be read; stays open until then
     * @param onClient given each that has connected, on the loop's thread. When it throws, the
     *     connection is closed here, and the loop goes on
     */
    public AcceptLoop(Acceptor<C> acceptor, Fd stop, Consumer<C> onClient) {
        this(acceptor, stop, () -> 0, onClient);
    }

    /**
     * Makes a loop that lets nobody in before there is room; see {@link #AcceptLoop(Acceptor, Fd,
     * Consumer)}.
     *
     * @param spare how many descriptors must be free before one who has connected is given away.
     *     Those who were before may yet need some, and so does all that is done for the first time:
     *     a class that cannot be loaded once is missing for good
     */
    public AcceptLoop(Acceptor<C> acceptor, Fd stop, IntSupplier spare, Consumer<C> onClient) {
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
            }
            return true;
        } catch (Throwable e) {
            complain(e);
            boolean _ = Complaint.log(LOG, Level.DEBUG, "why", e);
            return false;
        }
    }

    /** Nothing is thrown from here: with a full heap not even a line can be made. */
    private void complain(Object reason) {
        try {
            waits.log(
                    Level.WARNING,
                    () ->
                            "%s: clients have to wait, they cannot be let in: %s"
                                    .formatted(acceptor, reason));
        } catch (Throwable _) {
            // The loop goes on, and says so when there is memory.
        }
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
            int wanted = spare.getAsInt();
            while (!FreeDescriptors.areAtLeast(wanted)) {
                complain(TOO_FEW);
                if (isStoppedWithin(pause)) {
                    client.close();
                    return;
                }
                wanted = spare.getAsInt();
            }
            onClient.accept(client);
        } catch (Throwable e) {
            client.close();
            throw e;
        }
    }
}
