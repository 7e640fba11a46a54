package dev.ublk4j.nbd;

import dev.ublk4j.linux.QuietLog;
import dev.ublk4j.server.AdaptiveWait;
import dev.ublk4j.server.Queue;
import dev.ublk4j.server.QueueGuest;
import dev.ublk4j.uring.IoUring;
import dev.ublk4j.uring.Ring;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/** The clients of one queue, served by the queue's own thread. */
final class QueueFront implements QueueGuest {
    private static final System.Logger LOG = System.getLogger(QueueFront.class.getName());
    private static final QuietLog TURNED_AWAY = new QuietLog(LOG);
    private static final QuietLog FAILURES = new QuietLog(LOG);

    static final int MAX_CONNECTIONS = 1024;

    /** How long clients' requests may take to end when the queue does. */
    private static final long PATIENCE_NANOS = 5_000_000_000L;

    private static final long PAUSE_NANOS = 1_000_000;

    private static final int RECEIVED = 0;
    private static final int SENT = 1;

    /** Work from other threads. */
    private final ConcurrentLinkedQueue<Runnable> inbox = new ConcurrentLinkedQueue<>();

    /** By slot. */
    private final @Nullable Connection[] connections = new @Nullable Connection[MAX_CONNECTIONS];

    /** Those that are to be called in the next turn. */
    private List<Connection> waiting = new ArrayList<>();

    private List<Connection> inTurn = new ArrayList<>();
    private final AdaptiveWait wait;
    private int open;
    private boolean running = true;
    private final AtomicBoolean ticking = new AtomicBoolean();
    private @Nullable Thread thread;
    private volatile @Nullable Queue queue;
    private volatile boolean stopped;

    /**
     * Makes the front of a queue.
     *
     * @param longestPoll how long to look for requests, at most, before sleeping
     */
    QueueFront(Duration longestPoll) {
        wait = new AdaptiveWait(longestPoll.toNanos());
    }

    @Override
    public void started(Queue newQueue) {
        thread = Thread.currentThread();
        queue = newQueue;
    }

    /** {@return whether the calling thread is the queue's} */
    boolean isHere() {
        return Thread.currentThread() == thread;
    }

    /**
     * Has something done on the queue's thread; from any thread.
     *
     * @return whether it will be; not when the queue has ended
     */
    boolean execute(Runnable task) {
        Queue live = queue;
        if (live == null || stopped) {
            return false;
        }
        inbox.add(task);
        live.callGuest();
        // If the queue has ended meanwhile, its last turn may have found the task or not.
        return !stopped || !inbox.remove(task);
    }

    /** Takes a client over; on the queue's thread. */
    void take(Link link, String name, Negotiated chosen, DataArea area, Runnable onEnd) {
        int slot = 0;
        while (slot < MAX_CONNECTIONS && connections[slot] != null) {
            slot++;
        }
        if (slot == MAX_CONNECTIONS || !running) {
            Level level = running ? Level.WARNING : Level.DEBUG;
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
        Ring ring = Objects.requireNonNull(queue).ring();
        ring.reserve(1);
        ring.receive(
                connection.fd(),
                address,
                bytes,
                all ? IoUring.MSG_WAITALL : 0,
                userData(connection.slot(), RECEIVED));
    }

    /**
     * Prepares to send.
     *
     * @param message address of a {@code struct msghdr}
     */
    void send(Connection connection, long message) {
        Ring ring = Objects.requireNonNull(queue).ring();
        ring.reserve(1);
        ring.sendMessage(
                connection.fd(), message, IoUring.MSG_WAITALL, userData(connection.slot(), SENT));
    }

    private static long userData(int slot, int what) {
        return Queue.guestUserData((long) slot << 1 | what);
    }

    /** {@return the queue's number} */
    int queueId() {
        return Objects.requireNonNull(queue).id();
    }

    @Override
    public void completed(long value, int result, int flags) {
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
    public boolean turn(boolean busy) {
        for (Runnable task = inbox.poll(); task != null; task = inbox.poll()) {
            run(task);
        }
        List<Connection> now = waiting;
        waiting = inTurn;
        inTurn = now;
        for (int index = 0; index < now.size(); index++) {
            turn(now.get(index));
        }
        now.clear();
        // Whoever is called between turns is so because of something that has made this one busy.
        return (busy || !waiting.isEmpty()) ? goOn() : !sleeps();
    }

    /** Whatever goes wrong with one task, the queue's device and its other clients go on. */
    private void run(Runnable task) {
        try {
            task.run();
        } catch (Throwable e) {
            FAILURES.log(Level.ERROR, () -> this + ": a task of its clients has failed", e);
        }
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

    private boolean goOn() {
        if (wait.isAsleep()) {
            wait.awake(System.nanoTime());
        } else {
            wait.busy();
        }
        return true;
    }

    /** {@return whether the thread may sleep, as it has nothing to do} */
    private boolean sleeps() {
        if (open == 0) {
            return true;
        }
        long now = System.nanoTime();
        if (!wait.sleeps(now)) {
            Thread.onSpinWait();
            return false;
        }
        wait.asleep(now);
        return true;
    }

    /** Forgets a connection that has ended. */
    void ended(Connection connection) {
        connections[connection.slot()] = null;
        open--;
    }

    /** Ends all connections of an export's device, and takes no more; from any thread. */
    void end() {
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

    @Override
    public void stopped() {
        running = false;
        boolean _ = turn(false);
        endAll("its device has stopped");
        // Their sockets are shut down, so that I/O ends soon, and the disk refuses what is left.
        Ring ring = Objects.requireNonNull(queue).ring();
        boolean _ = ring.cancelAll(PATIENCE_NANOS);
        long deadline = System.nanoTime() + PATIENCE_NANOS;
        while (Arrays.stream(connections).anyMatch(Objects::nonNull)
                && System.nanoTime() < deadline) {
            ring.submitAndWait(0);
            ring.drain(this::completedLate);
            boolean _ = turn(false);
            LockSupport.parkNanos(PAUSE_NANOS);
        }
        stopped = true;
        boolean _ = turn(false);
        for (Connection connection : connections) {
            if (connection != null) {
                LOG.log(Level.ERROR, () -> connection + ": its requests do not end");
            }
        }
    }

    private void completedLate(long userData, int result, int flags) {
        if (Queue.isGuests(userData)) {
            completed(Queue.guestValue(userData), result, flags);
        }
    }

    @Override
    public String toString() {
        return String.valueOf(queue);
    }
}
