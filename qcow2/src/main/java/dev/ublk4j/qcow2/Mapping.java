package dev.ublk4j.qcow2;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.jspecify.annotations.Nullable;

/**
 * Which cluster of the disk is where: the active L1 table, and those L2 tables that memory has room
 * for. Shared by all queues.
 *
 * <p>To look at a table takes no lock. To load one and to let one go does. A table is loaded from
 * the image by whoever misses it, so two may load it at a time, and one of them may have read it
 * before the allocator changed it. The first that is installed counts while it is there; once a
 * table that has been changed is let go, what was read before that is not installed any more.
 */
final class Mapping {
    private final MetadataFile file;
    private final Header header;
    private final MetadataClusters metadata;
    private final int tableBits;
    private final int mostTables;
    private final AtomicLongArray l1;
    private final AtomicReferenceArray<@Nullable L2Table> tables;

    /** Those that are in memory, the longest there first; guarded by the monitor. */
    private final ArrayDeque<Integer> loaded = new ArrayDeque<>();

    /** How often a changed table has been let go. */
    private int forgotten;

    /** The table that the allocator works on, or -1. */
    private int pinned = -1;

    /**
     * Takes an L1 table.
     *
     * @param entries of the L1 table, as many as the disk needs
     * @param cacheBytes for L2 tables
     */
    Mapping(
            MetadataFile file,
            Header header,
            MetadataClusters metadata,
            long[] entries,
            long cacheBytes) {
        this.file = file;
        this.header = header;
        this.metadata = metadata;
        this.tableBits = header.tableBits();
        this.mostTables = (int) Math.max(4, Math.min(1 << 20, cacheBytes >>> header.clusterBits()));
        this.l1 = new AtomicLongArray(entries);
        this.tables = new AtomicReferenceArray<>(entries.length);
    }

    /** {@return the number of L1 entries} */
    int count() {
        return l1.length();
    }

    /** {@return the table that has a byte of the disk} */
    int indexOf(long position) {
        return (int) (position >>> tableBits);
    }

    /** {@return the first byte of the disk behind a table} */
    long endOf(int index) {
        return (index + 1L) << tableBits;
    }

    /** {@return a table, or null where it is not in memory or there is none} */
    @Nullable L2Table table(int index) {
        L2Table table = tables.get(index);
        if (table != null && !table.isUsed) {
            table.isUsed = true;
        }
        return table;
    }

    long l1(int index) {
        return l1.get(index);
    }

    /** {@return whether no cluster of a table is allocated, because there is no such table} */
    boolean isEmpty(int index) {
        return Layout.offset(l1.get(index)) == 0;
    }

    /** What was there when a table began to be loaded. */
    record Ticket(int index, long place, int forgotten) {}

    synchronized Ticket beginLoad(int index) {
        return new Ticket(index, Layout.offset(l1.get(index)), forgotten);
    }

    /** Brings in a table that has been read, unless it may have changed meanwhile. */
    void install(Ticket ticket, MemorySegment bytes) {
        install(ticket, tableOf(bytes));
    }

    /** {@return a table of such entries} */
    L2Table tableOf(MemorySegment bytes) {
        return L2Table.of(bytes, this::isBad);
    }

    private synchronized void install(Ticket ticket, L2Table table) {
        if (tables.get(ticket.index) == null
                && forgotten == ticket.forgotten
                && Layout.offset(l1.get(ticket.index)) == ticket.place) {
            put(ticket.index, table);
        }
    }

    private void put(int index, L2Table table) {
        if (tables.getAndSet(index, table) == null) {
            loaded.addLast(index);
        }
        for (int tries = 2 * loaded.size(); loaded.size() > mostTables && tries > 0; tries--) {
            int oldest = loaded.removeFirst();
            L2Table old = tables.get(oldest);
            if (old == null) {
                continue;
            }
            if (old.isUsed || oldest == pinned || oldest == index) {
                old.isUsed = false;
                loaded.addLast(oldest);
                continue;
            }
            forgotten += old.isModified ? 1 : 0;
            tables.set(oldest, null);
        }
    }

    /** {@return a table, loaded by the calling thread, which waits; null where there is none} */
    @Nullable L2Table load(int index) {
        L2Table table = table(index);
        while (table == null && !isEmpty(index)) {
            Ticket ticket = beginLoad(index);
            if (ticket.place == 0) {
                return null;
            }
            try (Arena arena = Arena.ofConfined()) {
                install(ticket, file.read(arena, ticket.place, header.clusterBytes()));
            }
            table = table(index);
        }
        return table;
    }

    /** Keeps a table in memory, loaded, until the next is kept or -1; by the allocator. */
    @Nullable L2Table pin(int index) {
        synchronized (this) {
            pinned = index;
        }
        L2Table table = index < 0 ? null : load(index);
        if (table != null) {
            synchronized (this) {
                table.isModified = true;
            }
        }
        return table;
    }

    /** Notes where a table is from now on; by the allocator, which has it pinned. */
    synchronized void place(int index, long entry, L2Table table) {
        table.isModified = true;
        put(index, table);
        l1.set(index, entry);
    }

    private boolean isBad(long entry) {
        int bits = header.clusterBits();
        if (Layout.isCompressed(entry)) {
            return Layout.compressedOffset(entry, bits) >= file.length();
        }
        long at = Layout.offset(entry);
        return Layout.hasReservedBits(entry)
                || (header.version() == 2 && Layout.isZero(entry))
                || (at & (header.clusterBytes() - 1)) != 0
                || at >= file.length()
                || (at == 0 && (entry & Layout.COPIED) != 0)
                || (at != 0 && metadata.has(at >>> bits));
    }
}
