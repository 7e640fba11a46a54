package dev.ublk4j.linux.socket;

import dev.ublk4j.linux.Fd;
import dev.ublk4j.linux.Poll;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.time.ZoneId;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;

/**
 * Takes in who connects, one after the other, until it is told to stop. Nothing that goes wrong
 * with one keeps the next from being taken in: not a lack of descriptors, of threads or of memory.
 */
public final class AcceptLoop implements Runnable {
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

    private final UnixListener listener;
    private final Fd stop;
    private final Consumer<UnixSocket> onClient;

    /** Whether the last turn failed, which has been logged. */
    private boolean failing;

    /**
     * Makes a loop.
     *
     * @param listener stays open until the loop has ended
     * @param stop ends the loop when it can be read; stays open until then
     * @param onClient given each that has connected, on the loop's thread. When it throws, the
     *     connection is closed here, and the loop goes on
     */
    public AcceptLoop(UnixListener listener, Fd stop, Consumer<UnixSocket> onClient) {
        this.listener = listener;
        this.stop = stop;
        this.onClient = onClient;
    }

    /** Takes in clients until it is told to stop. */
    @Override
    public void run() {
        try (Poll poll = new Poll(listener.fd(), stop);
                Poll pause = new Poll(stop)) {
            boolean goesOn = true;
            while (goesOn) {
                goesOn = turn(poll) || !isStoppedWithin(pause);
            }
        }
    }

    /** {@return whether to go on at once; false after a failure, and when the loop is to stop} */
    private boolean turn(Poll poll) {
        try {
            poll.await(FOREVER);
            if (poll.seen(STOP) != 0) {
                return false;
            }
            UnixSocket client = listener.acceptOrNull();
            if (client != null) {
                take(client);
            }
            failing = false;
            return true;
        } catch (Throwable e) {
            if (!failing) {
                failing = true;
                report(e);
            }
            return false;
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

    private void take(UnixSocket client) {
        try {
            onClient.accept(client);
        } catch (Throwable e) {
            client.close();
            throw e;
        }
    }

    private void report(Throwable e) {
        try {
            LOG.log(
                    Level.WARNING,
                    () -> "%s: cannot accept a client: %s".formatted(listener.path(), e));
            LOG.log(Level.DEBUG, "why", e);
        } catch (Throwable _) {
            // What keeps clients out, such as a lack of descriptors, can keep a log from being
            // written, too. That they are let in again matters more.
        }
    }
}
