package dev.ublk4j.qcow2;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.BitSet;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLongArray;
import org.jspecify.annotations.Nullable;

/**
 * An L2 table in memory. Any thread reads its entries; the allocator alone changes them, after it
 * has written them to the image.
 */
final class L2Table {
    private final AtomicLongArray entries;

    /** Entries that name what cannot be; null where there are none. */
    private final @Nullable BitSet bad;

    /** Whether it has been looked at of late; a hint. */
    boolean isUsed = true;

    /** Whether it has changed since it was loaded; guarded by {@link Mapping}. */
    boolean isModified;

    private L2Table(AtomicLongArray entries, @Nullable BitSet bad) {
        this.entries = entries;
        this.bad = bad;
    }

    /** Says which entries cannot be. */
    @FunctionalInterface
    interface Check {
        boolean isBad(long entry);
    }

    /** {@return the table that an image has} */
    static L2Table of(MemorySegment bytes, Check check) {
        int count = (int) (bytes.byteSize() / Long.BYTES);
        AtomicLongArray entries = new AtomicLongArray(count);
        BitSet bad = null;
        for (int i = 0; i < count; i++) {
            long entry = bytes.getAtIndex(Layout.LONG, i);
            entries.setPlain(i, entry);
            if (entry != 0 && check.isBad(entry)) {
                bad = bad == null ? new BitSet(count) : bad;
                bad.set(i);
            }
        }
        return new L2Table(entries, bad);
    }

    /** {@return a table in which no cluster is allocated} */
    static L2Table empty(int count) {
        return new L2Table(new AtomicLongArray(count), null);
    }

    /** {@return entries of a table as an image has them, after changes} */
    static MemorySegment changed(
            Arena arena, @Nullable L2Table table, Map<Integer, Long> changes, int from, int to) {
        MemorySegment bytes = arena.allocate((long) (to - from) * Long.BYTES, Long.BYTES);
        for (int i = from; table != null && i < to; i++) {
            bytes.setAtIndex(Layout.LONG, i - from, table.entry(i));
        }
        changes.forEach((at, entry) -> bytes.setAtIndex(Layout.LONG, at - from, entry));
        return bytes;
    }

    int count() {
        return entries.length();
    }

    long entry(int index) {
        return entries.get(index);
    }

    boolean isBad(int index) {
        BitSet some = bad;
        return some != null && some.get(index);
    }

    void set(int index, long entry) {
        entries.set(index, entry);
    }
}
