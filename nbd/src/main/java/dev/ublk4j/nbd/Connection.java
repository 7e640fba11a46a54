package dev.ublk4j.nbd;

import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.internal.QuietLog;
import dev.ublk4j.nbd.wire.MetaContext;
import dev.ublk4j.nbd.wire.ReplyHeader;
import java.lang.System.Logger.Level;
import java.lang.foreign.Arena;
import java.util.ArrayDeque;
import java.util.List;
import java.util.function.Supplier;
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

    /** Whoever sends nonsense may come again at once. */
    private static final QuietLog DROPS = new QuietLog(LOG);

    /** Requests of a client that are under way at a time; more wait in its socket. */
    static final int MAX_OPERATIONS = 256;

    /** Larger pieces would leave no room in the shared area for others. */
    private static final int MAX_SHARED_PAGES = 512;

    /**
     * A target that answers at once has its answer sent in the second turn after the request has
     * come. To receive only then spares a system call, and brings more requests at a time.
     */
    private static final int TURNS_TO_ANSWER = 2;

    private final QueueConnections front;
    private final int slot;
    private final Link link;
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
    private int borrowed;

    /** Whether it may be in line for memory that all clients share. */
    private boolean inLine;

    private final Runnable call = this::call;
    private final Progress sends = new Progress();
    private final Progress reads = new Progress();
    private final Progress returns = new Progress();
    private final Progress waits = new Progress();

    /** Goes on with each look that finds others not waiting for what it has had at the last. */
    private long mark;

    private boolean called;
    private boolean ending;
    private volatile boolean broken;
    private boolean ended;

    Connection(
            QueueConnections front,
            int slot,
            Link link,
            String name,
            Negotiated chosen,
            DataArea area,
            Runnable onEnd) {
        this.front = front;
        this.slot = slot;
        this.link = link;
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
        return link.socket().fd().number();
    }

    QueueConnections front() {
        return front;
    }

    NbdExport export() {
        return chosen.export();
    }

    /** {@return what a block status tells the client} */
    List<MetaContext> contexts() {
        return chosen.contexts();
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

    /**
     * {@return whether the client still is there to be told of what it has asked for} From any
     * thread, on behalf of an operation that is under way.
     */
    boolean isWanted() {
        return !broken && !link.socket().hasHungUp();
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
            operation = new Operation(this, outbox.header(operations));
            operations++;
        }
        underWay++;
        return operation;
    }

    /** {@return whether an operation has got memory for so many bytes} */
    boolean giveMemory(Operation operation, long bytes) {
        int pages = PageRuns.pages(bytes);
        if (pages <= MAX_SHARED_PAGES && operation.take(area, pages)) {
            leaveLine();
            return true;
        }
        // Its own operations call it when they end, and those of others when it is in line.
        inLine = borrowed + pages <= payloads().share();
        if (!inLine || !payloads().take(operation, pages, this)) {
            return false;
        }
        inLine = false;
        borrowed += pages;
        operation.setMark(mark);
        return true;
    }

    private PayloadMemory payloads() {
        return chosen.export().payloads();
    }

    private void leaveLine() {
        if (inLine) {
            inLine = false;
            payloads().forget(this);
        }
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
        borrowed -= operation.borrowedPages();
        operation.release();
        idle.addLast(operation);
        underWay--;
    }

    /** Has it look whether it can go on; from any thread. */
    void callFromElsewhere() {
        boolean _ = front.execute(call);
    }

    /** Looks whether its client goes on with what it has begun. */
    void tick() {
        if (ended || broken) {
            return;
        }
        if (sends.isMissing(intake.isOwedMore(), intake.milestones())) {
            fail(Level.WARNING, "it did not finish sending a request");
        } else if (reads.isMissing(outbox.isSending(), outbox.milestones())) {
            fail(Level.WARNING, "it does not read its replies");
        } else if (keepsFromOthers()) {
            fail(
                    Level.WARNING,
                    "it sends or reads too slowly while others wait for the memory it holds");
        } else if (waits.isMissing(inLine, intake.milestones())) {
            payloads().sayLate(this);
        }
    }

    /**
     * {@return whether it has held something that others wait for as long as it may} It may go on
     * slowly when nobody waits. Else it has its patience for all that it holds together, as for
     * each piece of it others would wait without end. What the target is at is not its fault.
     */
    private boolean keepsFromOthers() {
        boolean holds =
                (outbox.hasBorrowedBefore(mark) || intake.hasBorrowedBefore(mark))
                        && payloads().isAwaitedByOthersThan(this);
        boolean tooLong = returns.isMissing(holds, mark);
        if (!holds) {
            mark++;
        }
        return tooLong;
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
        leaveLine();
        call();
    }

    /** Ends the connection at once, with a line about why, which is logged rarely. */
    void fail(Level level, String why) {
        if (!broken) {
            broken = true;
            ending = true;
            Supplier<String> line = () -> "%s: %s; its connection ends".formatted(this, why);
            if (level == Level.DEBUG) {
                LOG.log(level, line);
            } else {
                DROPS.log(level, line);
            }
            // Wakes what waits for the socket.
            link.cut();
            leaveLine();
            call();
        }
    }

    /** Ends the connection because of the answer of a socket. */
    void fail(int result) {
        boolean gone = result == Errno.EPIPE.negated() || result == Errno.ECONNRESET.negated();
        fail(
                gone || result == Errno.ECANCELED.negated() ? Level.DEBUG : Level.WARNING,
                "its socket failed with " + Errno.of(result).text());
    }

    private void end() {
        ended = true;
        front.ended(this);
        letGo(
                chosen.export(),
                () -> {
                    arena.close();
                    close(link, chosen.export(), area, onEnd);
                });
        LOG.log(Level.DEBUG, () -> this + ": ended");
    }

    /** Lets go of a client that has not become a connection, and of its memory. */
    static void abandon(Link link, NbdExport export, DataArea area, Runnable onEnd) {
        letGo(export, () -> close(link, export, area, onEnd));
    }

    /** Closing memory takes its time, and a queue must not wait for what waits for the queue. */
    private static void letGo(NbdExport export, Runnable closing) {
        export.threads().startSometime("nbd-end", closing);
    }

    private static void close(Link link, NbdExport export, DataArea area, Runnable onEnd) {
        try {
            link.close();
            export.areas().giveBack(area);
            export.payloads().shrink();
        } finally {
            onEnd.run();
        }
    }

    @Override
    public String toString() {
        return "%s, %s".formatted(name, chosen.export());
    }
}
