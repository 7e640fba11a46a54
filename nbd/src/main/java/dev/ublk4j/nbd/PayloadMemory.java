package dev.ublk4j.nbd;

import dev.ublk4j.linux.Mapping;
import dev.ublk4j.linux.internal.QuietLog;
import java.lang.System.Logger.Level;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.LinkedHashSet;
import org.jspecify.annotations.Nullable;

/**
 * Memory of a server for data that does not fit into what each connection has: all clients share
 * it, and wait in turn when there is none left, without having been read from.
 *
 * <p>Who waits holds nothing of it that he needs more for, and whoever holds some loses it when his
 * client does not go on, so that everybody's turn comes. Any thread.
 */
final class PayloadMemory extends DataArea {
    private static final System.Logger LOG = System.getLogger(PayloadMemory.class.getName());

    /** Pages of the largest request, which may begin and end within a block. */
    private static final int LARGEST = PageRuns.pages(NbdExport.MAX_PAYLOAD + 8192L);

    private final QuietLog longWaits = new QuietLog(LOG);

    /** In the order in which they have come. */
    private final LinkedHashSet<Connection> waiting = new LinkedHashSet<>();

    private boolean touched;

    /** Maps memory, whose pages come as they are used. */
    PayloadMemory(long bytes) {
        super(arena -> map(bytes, arena));
    }

    private static MemorySegment map(long bytes, Arena arena) {
        return Mapping.anonymous(bytes, Mapping.MAP_PRIVATE | Mapping.MAP_NORESERVE, arena);
    }

    /**
     * {@return whether an operation has got so many pages; if not, its connection is called when
     * there may be some}
     */
    boolean take(Operation operation, int pages, Connection connection) {
        Connection next;
        synchronized (this) {
            boolean isItsTurn = waiting.isEmpty() || waiting.getFirst() == connection;
            if (!isItsTurn || !operation.take(this, pages)) {
                waiting.add(connection);
                return false;
            }
            touched = true;
            next = withdraw(connection);
        }
        call(next);
        return true;
    }

    @Override
    void giveBack(int first, int count) {
        Connection next;
        synchronized (this) {
            super.giveBack(first, count);
            next = waiting.isEmpty() ? null : waiting.getFirst();
        }
        call(next);
    }

    /**
     * {@return how many pages a client may have at a time: two of the largest requests, but no more
     * than a quarter of all, unless that is less than one}
     */
    int share() {
        return Math.max(LARGEST, Math.min(2 * LARGEST, runs().size() / 4));
    }

    /** {@return whether somebody else than a connection waits} */
    synchronized boolean isAwaitedByOthersThan(Connection connection) {
        return !waiting.isEmpty() && (waiting.size() > 1 || waiting.getFirst() != connection);
    }

    /** Says that a connection has waited for longer than its patience. */
    void sayLate(Connection connection) {
        longWaits.log(
                Level.WARNING,
                () ->
                        "%s: waits for memory for its payload; all %d MiB are in use"
                                .formatted(connection, memory().byteSize() >> 20));
    }

    /** Hears that a connection does not wait any more. */
    void forget(Connection connection) {
        Connection next;
        synchronized (this) {
            next = withdraw(connection);
        }
        call(next);
    }

    /** {@return whose turn it is now, if that has changed} */
    private @Nullable Connection withdraw(Connection connection) {
        boolean wasFirst = !waiting.isEmpty() && waiting.getFirst() == connection;
        waiting.remove(connection);
        return wasFirst && !waiting.isEmpty() ? waiting.getFirst() : null;
    }

    private static void call(@Nullable Connection connection) {
        if (connection != null) {
            connection.callFromElsewhere();
        }
    }

    /** Gives the pages back to the system where nobody uses one. */
    synchronized void shrink() {
        if (touched && runs().isEmpty()) {
            touched = false;
            int _ = Mapping.zero(memory(), 0, memory().byteSize());
        }
    }
}
