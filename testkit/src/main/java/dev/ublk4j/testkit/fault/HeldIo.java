package dev.ublk4j.testkit.fault;

import java.util.ArrayList;
import java.util.List;

/**
 * I/O that has been done and whose completions the target has not been told. {@link #release} hands
 * them over, and holds no more.
 */
public final class HeldIo extends Fault {
    private final List<Completion> held = new ArrayList<>();
    private boolean released;

    HeldIo(FaultPoint point) {
        super(point, Effect.HOLD, 0);
    }

    @Override
    synchronized boolean isOver() {
        return released;
    }

    /** Takes a completion; answers false when they are released already. */
    synchronized boolean take(Completion completion) {
        if (released) {
            return false;
        }
        held.add(completion);
        notifyAll();
        return true;
    }

    /** {@return how many completions are held} */
    public synchronized int count() {
        return held.size();
    }

    /**
     * Waits until some completions are held.
     *
     * @throws AssertionError when they are not within 30 seconds
     */
    public void awaitHeld(int count) {
        awaitCount(count, "completions held of ", held::size);
    }

    /**
     * Hands over the one that is held longest, and goes on holding.
     *
     * @throws IllegalStateException when none is held
     */
    public void releaseNext() {
        Completion first;
        synchronized (this) {
            if (held.isEmpty()) {
                throw new IllegalStateException("nothing is held: " + this);
            }
            first = held.removeFirst();
        }
        first.deliver();
    }

    /** Hands over what is held, in the order it came in, and holds no more. */
    public void release() {
        takeAll().forEach(Completion::deliver);
    }

    /** Hands over what is held, the last one first, and holds no more. */
    public void releaseReversed() {
        takeAll().reversed().forEach(Completion::deliver);
    }

    private synchronized List<Completion> takeAll() {
        released = true;
        List<Completion> all = List.copyOf(held);
        held.clear();
        return all;
    }

    /** A completion on its way to a target. */
    record Completion(FaultyQueueRing ring, long userData, int result, int flags) {
        void deliver() {
            ring.deliver(this);
        }
    }
}
