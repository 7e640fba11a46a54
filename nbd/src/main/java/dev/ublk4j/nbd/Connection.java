package dev.ublk4j.nbd;

import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.Socket;
import dev.ublk4j.nbd.wire.ReplyHeader;
import java.lang.System.Logger.Level;
import java.lang.foreign.Arena;
import java.util.ArrayDeque;
import org.jspecify.annotations.Nullable;

/**
 * A client in transmission: what arrives becomes operations, and what ends them is sent.
 *
 * <p>On the thread of its queue, apart from {@link #done}. It ends when the client says so, goes or
 * does what the protocol forbids: then nothing more is read, what is under way ends first, and the
 * socket is closed last.
 */
final class Connection {
    private static final System.Logger LOG = System.getLogger(Connection.class.getName());

    /** Requests of a client that are under way at a time; more wait in its socket. */
    static final int MAX_OPERATIONS = 256;

    /** Data of a client that is under way at a time and does not fit into its shared area. */
    private static final long LARGE_AREA_BYTES = 2L * NbdExport.MAX_PAYLOAD;

    /** Larger pieces would leave no room in the shared area for others. */
    private static final int MAX_SHARED_PAGES = 512;

    /**
     * A target that answers at once has its answer sent in the second turn after the request has
     * come. To receive only then spares a system call, and brings more requests at a time.
     */
    private static final int TURNS_TO_ANSWER = 2;

    private final QueueFront front;
    private final int slot;
    private final Socket socket;
    private final String name;
    private final Negotiated chosen;
    private final DataArea area;
    private final Runnable onEnd;
    private final Arena arena = Arena.ofShared();
    private final Intake intake;
    private final Outbox outbox;
    private final SlowPath slowPath;
    private final ArrayDeque<Operation> idle = new ArrayDeque<>();
    private int operations;

    /** After how many turns to receive, although there is no answer to send with that. */
    private int turnsToAnswer;

    private int underWay;
    private @Nullable DataArea large;
    private boolean called;
    private boolean ending;
    private boolean broken;
    private boolean ended;

    Connection(
            QueueFront front,
            int slot,
            Socket socket,
            String name,
            Negotiated chosen,
            DataArea area,
            Runnable onEnd) {
        this.front = front;
        this.slot = slot;
        this.socket = socket;
        this.name = name;
        this.chosen = chosen;
        this.area = area;
        this.onEnd = onEnd;
        this.intake = new Intake(this, chosen, arena);
        this.outbox = new Outbox(this, arena);
        this.slowPath = new SlowPath(chosen.export());
    }

    int slot() {
        return slot;
    }

    int fd() {
        return socket.fd().number();
    }

    QueueFront front() {
        return front;
    }

    NbdExport export() {
        return chosen.export();
    }

    ReplyHeader replies() {
        return chosen.replies();
    }

    Outbox outbox() {
        return outbox;
    }

    SlowPath slowPath() {
        return slowPath;
    }

    /** {@return whether nothing more is to be read} */
    boolean isEnding() {
        return ending;
    }

    void start() {
        intake.receive();
    }

    void received(int result) {
        intake.received(result);
        call();
    }

    void sent(int result) {
        outbox.sent(result);
        call();
    }

    /** {@return an operation to fill, or null when there are too many under way} */
    @Nullable Operation takeOperation() {
        Operation operation = idle.pollLast();
        if (operation == null) {
            if (operations == MAX_OPERATIONS) {
                return null;
            }
            operation = new Operation(this, outbox.header(operations++));
        }
        underWay++;
        return operation;
    }

    /** {@return whether an operation has got memory for so many bytes} */
    boolean giveMemory(Operation operation, long bytes) {
        int pages = PageRuns.pages(bytes);
        if (pages <= MAX_SHARED_PAGES && operation.take(area, pages)) {
            return true;
        }
        if (large == null) {
            large = DataArea.copied(LARGE_AREA_BYTES);
        }
        return operation.take(large, pages);
    }

    /** An operation is done, and has its reply; from any thread. */
    void done(Operation operation) {
        if (front.isHere()) {
            outbox.add(operation);
            call();
        } else if (!front.execute(() -> done(operation))) {
            LOG.log(Level.DEBUG, () -> this + ": its queue has ended before " + operation);
        }
    }

    /** An operation has been answered, or never will be. */
    void recycle(Operation operation) {
        operation.release();
        idle.addLast(operation);
        underWay--;
    }

    private void call() {
        if (!called) {
            called = true;
            front.call(this);
        }
    }

    /** Does what there is to do since the last turn. */
    void turn() {
        called = false;
        if (ended) {
            return;
        }
        boolean sends = false;
        if (broken) {
            outbox.drop();
        } else {
            sends = outbox.send();
        }
        turnsToAnswer = intake.goOn() ? TURNS_TO_ANSWER : Math.max(0, turnsToAnswer - 1);
        if (sends || turnsToAnswer == 0) {
            turnsToAnswer = 0;
            intake.receive();
        } else {
            call();
        }
        if (ending && underWay == 0 && !intake.isReceiving() && !outbox.isSending()) {
            end();
        }
    }

    /** The client wants no more than answers to what it has asked. */
    void finish() {
        ending = true;
        call();
    }

    /** Ends the connection at once, with a line about why. */
    void fail(Level level, String why) {
        if (!broken) {
            broken = true;
            ending = true;
            LOG.log(level, () -> "%s: %s; its connection ends".formatted(this, why));
            // Wakes what waits for the socket.
            socket.shutdown();
            call();
        }
    }

    /** Ends the connection because of the answer of a socket. */
    void fail(int result) {
        boolean gone = result == Errno.EPIPE.negated() || result == Errno.ECONNRESET.negated();
        fail(
                gone || result == Errno.ECANCELED.negated() ? Level.DEBUG : Level.WARNING,
                "its socket answers " + Errno.of(result).text());
    }

    private void end() {
        ended = true;
        front.ended(this);
        DataArea more = large;
        letGo(() -> {
            arena.close();
            if (more != null) {
                more.close();
            }
            close(socket, chosen.export(), area, onEnd);
        });
        LOG.log(Level.DEBUG, () -> this + ": ended");
    }

    /** Lets go of a client that has not become a connection, and of its memory. */
    static void abandon(Socket socket, NbdExport export, DataArea area, Runnable onEnd) {
        letGo(() -> close(socket, export, area, onEnd));
    }

    /** Closing memory takes its time, and a queue must not wait for what waits for the queue. */
    private static void letGo(Runnable closing) {
        Thread.ofVirtual().name("nbd-end").start(closing);
    }

    private static void close(Socket socket, NbdExport export, DataArea area, Runnable onEnd) {
        try {
            socket.shutdown();
            socket.close();
            export.areas().giveBack(area);
        } finally {
            onEnd.run();
        }
    }

    @Override
    public String toString() {
        return "%s, %s".formatted(name, chosen.export());
    }
}
