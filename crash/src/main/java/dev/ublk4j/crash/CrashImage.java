package dev.ublk4j.crash;

import dev.ublk4j.server.Operation;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What is on a disk after a power cut, sector by sector. Holds for each sector which change it
 * shows, not the data, so that moving from one outcome to the next costs what differs.
 *
 * <p>First {@link #moveTo} an instant, which makes {@link #uncertain} what was not durable then;
 * then {@link #show} outcomes at that instant. Sectors that were never written are zero. One
 * thread.
 */
final class CrashImage {
    private static final int SECTOR = DiskModel.SECTOR;

    private final List<Change> changes;
    private final long[] durable;
    private final DiskModel model;
    private final List<Long> markedAt;
    private final List<Object> marks;

    /** By sector, the number of the durable change that it shows; 0 for none. */
    private final int[] base;

    /** By sector, what it shows instead where {@link #shownIn} is the outcome that is shown. */
    private final int[] shown;

    private final int[] shownIn;
    private int outcome;

    private long instant = -1;
    private int begun;
    private final List<Change> uncertain = new ArrayList<>();
    private long baseHash;
    private long hash;

    /** By the number of a change, hashes of its sectors, made when they are needed. */
    private final long[][] hashes;

    CrashImage(List<Change> changes, long[] durable, DiskModel model, List<Mark> marks, long size) {
        this.changes = changes;
        this.durable = durable;
        this.model = model;
        this.markedAt = marks.stream().map(Mark::at).toList();
        this.marks = marks.stream().map(Mark::text).toList();
        int sectors = Math.toIntExact(size / SECTOR);
        base = new int[sectors];
        shown = new int[sectors];
        shownIn = new int[sectors];
        hashes = new long[changes.size() + 1][];
    }

    /** Goes to the moment behind an instant; cheap where it is later than the last. */
    void moveTo(long next) {
        if (next < instant) {
            Arrays.fill(base, 0);
            uncertain.clear();
            baseHash = 0;
            begun = 0;
        }
        instant = next;
        while (begun < changes.size() && changes.get(begun).sent() <= next) {
            Change change = changes.get(begun++);
            if (!change.isFlush()) {
                uncertain.add(change);
            }
        }
        uncertain.removeIf(change -> {
            boolean isDurable = durable[change.number() - 1] <= next;
            if (isDurable) {
                settle(change);
            }
            return isDurable;
        });
        show(CrashState.unharmed(next));
    }

    private void settle(Change change) {
        int first = first(change);
        int end = first + sectors(change);
        for (int sector = first; sector < end; sector++) {
            // Of two changes the one sent later shows, whichever became durable first.
            if (base[sector] < change.number()) {
                baseHash ^= hash(base[sector], sector) ^ hash(change.number(), sector);
                base[sector] = change.number();
            }
        }
    }

    /** {@return the changes that may or may not survive, in the order in which they were sent} */
    List<Change> uncertain() {
        return uncertain;
    }

    /** Shows an outcome at this instant. */
    void show(CrashState state) {
        outcome++;
        hash = baseHash;
        for (Change change : uncertain) {
            BitSet survived = state.damaged().get(change.number());
            if (survived == null || !survived.isEmpty()) {
                lay(change, survived);
            }
        }
    }

    private void lay(Change change, @Nullable BitSet survived) {
        int first = first(change);
        int end = first + sectors(change);
        for (int sector = first; sector < end; sector++) {
            if (survived == null || survived.get(unitOf(change, sector))) {
                int before = version(sector);
                if (before < change.number()) {
                    hash ^= hash(before, sector) ^ hash(change.number(), sector);
                    shown[sector] = change.number();
                    shownIn[sector] = outcome;
                }
            }
        }
    }

    private int version(int sector) {
        return shownIn[sector] == outcome ? shown[sector] : base[sector];
    }

    private static int first(Change change) {
        return (int) (change.offset() / SECTOR);
    }

    private static int sectors(Change change) {
        return (int) (change.length() / SECTOR);
    }

    /** {@return which atomic unit of a change a sector of the disk is in} */
    private int unitOf(Change change, int sector) {
        int unit = model.atomicUnit();
        return unit == Integer.MAX_VALUE
                ? 0
                : (int) ((long) sector * SECTOR / unit - change.offset() / unit);
    }

    /** {@return how many parts of a change survive or do not, each on its own} */
    int units(Change change) {
        return change.length() == 0 ? 0 : unitOf(change, (int) ((change.end() - 1) / SECTOR)) + 1;
    }

    /** {@return the marks that were left by now} */
    List<Object> marksSoFar() {
        int count = 0;
        while (count < marks.size() && markedAt.get(count) <= instant) {
            count++;
        }
        return marks.subList(0, count);
    }

    /** {@return a number that is the same for outcomes that look the same to a check} */
    long fingerprint() {
        return hash ^ mix(marksSoFar().size() + 1L, 0x6a09e667f3bcc909L);
    }

    /** Copies what a sector shows. */
    void read(int sector, byte[] into, int at) {
        int number = version(sector);
        MemorySegment data = number == 0 ? MemorySegment.NULL : changes.get(number - 1).data();
        if (data.byteSize() == 0) {
            Arrays.fill(into, at, at + SECTOR, (byte) 0);
        } else {
            long from = (long) sector * SECTOR - changes.get(number - 1).offset();
            MemorySegment.copy(data, ValueLayout.JAVA_BYTE, from, into, at, SECTOR);
        }
    }

    private long hash(int number, int sector) {
        if (number == 0 || changes.get(number - 1).operation() != Operation.WRITE) {
            return 0;
        }
        Change change = changes.get(number - 1);
        long[] known = hashes[number];
        if (known == null) {
            known = new long[sectors(change)];
            for (int i = 0; i < known.length; i++) {
                known[i] = contentHash(change.data(), (long) i * SECTOR);
            }
            hashes[number] = known;
        }
        long content = known[sector - first(change)];
        return content == 0 ? 0 : mix(sector + 1L, content);
    }

    /** {@return a hash of a sector's content, 0 for zeroes} */
    private static long contentHash(MemorySegment data, long from) {
        long sum = 0;
        boolean zero = true;
        for (long at = from; at < from + SECTOR; at += Long.BYTES) {
            long word = data.get(ValueLayout.JAVA_LONG_UNALIGNED, at);
            zero &= word == 0;
            sum = mix(sum + 1, word);
        }
        return zero ? 0 : sum | 1;
    }

    private static long mix(long a, long b) {
        long h = (a * 0x9e3779b97f4a7c15L ^ b) * 0xbf58476d1ce4e5b9L;
        h = (h ^ h >>> 29) * 0x94d049bb133111ebL;
        return h ^ h >>> 32;
    }
}
