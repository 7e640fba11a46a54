package dev.ublk4j.testkit.fault;

import dev.ublk4j.linux.Errno;
import dev.ublk4j.testkit.fault.Fault.Effect;
import org.jspecify.annotations.Nullable;

/**
 * Which I/O of a target a fault is about, and the end of the sentence: what happens to it.
 *
 * <p>Each method of the first kind answers a narrower point; each of the second sets the fault. I/O
 * is counted from then on, that of all queues together.
 *
 * {@snippet :
 * faults.reads().fail(Errno.EIO);                 // every read
 * faults.writes().nth(2).shorten(512);            // the second write to come
 * faults.writes().at(4096, 4096).nth(1).hold();   // the first that touches the second page
 * }
 */
public final class FaultPoint {
    private static final int EVERY = 0;

    private final Faults faults;
    private final String name;

    /** Null for the server's answers to its driver, which are no I/O. */
    private final BackendIo.@Nullable Kind kind;

    private final boolean anyKind;
    private final long from;
    private final long to;
    private final int nth;

    private FaultPoint(
            Faults faults,
            String name,
            BackendIo.@Nullable Kind kind,
            boolean anyKind,
            long from,
            long to,
            int nth) {
        this.faults = faults;
        this.name = name;
        this.kind = kind;
        this.anyKind = anyKind;
        this.from = from;
        this.to = to;
        this.nth = nth;
    }

    static FaultPoint of(Faults faults, BackendIo.Kind kind) {
        String name = kind + "s";
        return new FaultPoint(faults, name, kind, false, Long.MIN_VALUE, Long.MAX_VALUE, EVERY);
    }

    static FaultPoint anyIo(Faults faults) {
        return new FaultPoint(faults, "I/Os", null, true, Long.MIN_VALUE, Long.MAX_VALUE, EVERY);
    }

    static FaultPoint answer(Faults faults, int nth) {
        return new FaultPoint(faults, "answers", null, false, Long.MIN_VALUE, Long.MAX_VALUE, nth);
    }

    /**
     * {@return the same for I/O that touches a range of the file only}
     *
     * @param offset first byte
     * @param length bytes
     */
    public FaultPoint at(long offset, long length) {
        return new FaultPoint(faults, name, kind, anyKind, offset, offset + length, nth);
    }

    /**
     * {@return the same for one I/O only}
     *
     * @param number 1 for the first that matches from now on
     */
    public FaultPoint nth(int number) {
        if (number < 1) {
            throw new IllegalArgumentException("they are counted from 1: " + number);
        }
        return new FaultPoint(faults, name, kind, anyKind, from, to, number);
    }

    /** Has the I/O fail, without having done anything. */
    public Fault fail(Errno errno) {
        return faults.add(new Fault(this, Effect.FAIL, errno.negated()));
    }

    /**
     * Has reads and writes end early: only the first bytes are moved, and the result says so. Those
     * that are no longer than that are not struck, nor are vectored ones.
     *
     * @param bytes at least 1; a multiple of the file's block size where it is open for direct I/O
     */
    public Fault shorten(int bytes) {
        if (bytes < 1) {
            throw new IllegalArgumentException("at least a byte: " + bytes);
        }
        return faults.add(new Fault(this, Effect.SHORTEN, bytes));
    }

    /** Keeps the completions from the target until they are released: delayed, or reordered. */
    public HeldIo hold() {
        HeldIo held = new HeldIo(this);
        faults.add(held);
        return held;
    }

    /**
     * Hands completions to the target in another order: gathers some, or all that are under way
     * when those are fewer, and shuffles them.
     *
     * @param window how many to gather, at least 2
     */
    public Fault shuffle(int window) {
        return faults.add(new Fault(this, Effect.SHUFFLE, window));
    }

    /** Has the server die when it is about to start the I/O, which is not done. */
    public Fault kill() {
        return faults.add(new Fault(this, Effect.KILL, 0));
    }

    /** {@return whether an I/O is meant; null stands for an answer of the server} */
    boolean matches(@Nullable BackendIo io) {
        if (io == null) {
            return kind == null && !anyKind;
        }
        boolean whole = io.kind() == BackendIo.Kind.SYNC || io.kind() == BackendIo.Kind.OTHER;
        boolean touches = whole || (io.offset() < to && io.offset() + io.length() > from);
        return (anyKind || io.kind() == kind) && touches;
    }

    /** {@return whether the fault is about the I/O of a number, counted from 1} */
    boolean counts(int number) {
        return nth == EVERY || nth == number;
    }

    @Override
    public String toString() {
        String range = from == Long.MIN_VALUE ? "" : " in [%d, %d)".formatted(from, to);
        return name + range + (nth == EVERY ? "" : ", the one of number " + nth);
    }
}
