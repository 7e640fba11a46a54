package dev.ublk4j.nbd;

import dev.ublk4j.exports.QueueFront;
import dev.ublk4j.linux.internal.QuietLog;
import dev.ublk4j.uring.IoUring;
import dev.ublk4j.uring.Ring;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/** The connections of one queue, served by the queue's own thread. */
final class QueueConnections extends QueueFront {
    private static final System.Logger LOG = System.getLogger(QueueConnections.class.getName());
    private static final QuietLog TURNED_AWAY = new QuietLog(LOG);
    private static final QuietLog FAILURES = new QuietLog(LOG);

    static final int MAX_CONNECTIONS = 1024;

    private static final int RECEIVED = 0;
    private static final int SENT = 1;

    /** By slot. */
    private final @Nullable Connection[] connections = new @Nullable Connection[MAX_CONNECTIONS];

    /** Those that are to be called in the next turn. */
    private List<Connection> waiting = new ArrayList<>();

    private List<Connection> inTurn = new ArrayList<>();
    private int open;
    private boolean running = true;
    private final AtomicBoolean ticking = new AtomicBoolean();

    /**
     * Makes it for a queue.
     *
     * @param number the queue's
     * @param longestPoll how long to look for requests, at most, before sleeping
     */
    QueueConnections(int number, Duration longestPoll) {
        super(number, longestPoll);
    }

    /** Takes a client over; on the queue's thread. */
    void take(Link link, String name, Negotiated chosen, DataArea area, Runnable onEnd) {
        int slot = 0;
        while (slot < MAX_CONNECTIONS && connections[slot] != null) {
            slot++;
        }
        if (slot == MAX_CONNECTIONS || !takesClients()) {
            Level level = takesClients() ? Level.WARNING : Level.DEBUG;
            TURNED_AWAY.log(level, () -> name + ": turned away, " + this + " takes no more");
            Connection.abandon(link, chosen.export(), area, onEnd);
            return;
        }
        Connection connection;
        try {
            connection = new Connection(this, slot, link, name, chosen, area, onEnd);
        } catch (Throwable e) {
            TURNED_AWAY.log(Level.WARNING, () -> name + ": turned away: " + e);
            Connection.abandon(link, chosen.export(), area, onEnd);
            return;
        }
        connections[slot] = connection;
        open++;
        connection.start();
    }

    private boolean takesClients() {
        return running && !isEnding();
    }

    /** Looks whether clients go on with what they have begun; from any thread. */
    void tick() {
        // One look at a time: a queue that is held up must not take several for as many intervals.
        if (ticking.compareAndSet(false, true) && !execute(this::look)) {
            ticking.set(false);
        }
    }

    private void look() {
        ticking.set(false);
        for (int slot = 0; slot < MAX_CONNECTIONS && open > 0; slot++) {
            Connection connection = connections[slot];
            if (connection != null) {
                connection.tick();
            }
        }
    }

    /** Has a connection called in the next turn; on the queue's thread. */
    void call(Connection connection) {
        waiting.add(connection);
    }

    /**
     * Prepares to receive bytes.
     *
     * @param all whether none are of use before all have come
     */
    void receive(Connection connection, long address, int bytes, boolean all) {
        Ring ring = ring();
        ring.reserve(1);
        ring.receive(
                connection.fd(),
                address,
                bytes,
                all ? IoUring.MSG_WAITALL : 0,
                userDataOf(connection, RECEIVED));
    }

    /**
     * Prepares to send.
     *
     * @param message address of a {@code struct msghdr}
     */
    void send(Connection connection, long message) {
        Ring ring = ring();
        ring.reserve(1);
        ring.sendMessage(
                connection.fd(), message, IoUring.MSG_WAITALL, userDataOf(connection, SENT));
    }

    private long userDataOf(Connection connection, int what) {
        return userData((long) connection.slot() << 1 | what);
    }

    @Override
    protected void completed(long value, int result, int flags) {
        Connection connection = connections[(int) (value >>> 1)];
        if (connection == null) {
            throw new IllegalStateException("I/O of a connection that has ended: " + value);
        }
        if ((value & 1) == RECEIVED) {
            connection.received(result);
        } else {
            connection.sent(result);
        }
    }

    @Override
    protected boolean serve() {
        List<Connection> now = waiting;
        waiting = inTurn;
        inTurn = now;
        for (int index = 0; index < now.size(); index++) {
            turn(now.get(index));
        }
        now.clear();
        // Whoever is called between turns is so because of something that has made this one busy.
        return !waiting.isEmpty();
    }

    /** Whatever goes wrong with one connection, others go on. */
    private static void turn(Connection connection) {
        try {
            connection.turn();
        } catch (Throwable e) {
            FAILURES.log(Level.ERROR, () -> connection + " has failed", e);
            connection.fail(Level.DEBUG, "it cannot be served");
        }
    }

    @Override
    protected boolean hasClients() {
        return open > 0;
    }

    /** Forgets a connection that has ended. */
    void ended(Connection connection) {
        connections[connection.slot()] = null;
        open--;
    }

    /** Ends all connections of an export's device, and takes no more; from any thread. */
    void endServing() {
        boolean _ =
                execute(() -> {
                    running = false;
                    endAll("the server ends");
                });
    }

    private void endAll(String why) {
        for (Connection connection : connections) {
            if (connection != null) {
                connection.fail(Level.DEBUG, why);
            }
        }
    }

    /** Sockets are shut down, so that I/O ends soon, and the disk refuses what is left. */
    @Override
    protected void end() {
        endAll("its device has stopped");
    }

    @Override
    protected boolean hasEnded() {
        return open == 0;
    }
}
