package dev.ublk4j.embedded.freeze;

import dev.ublk4j.linux.Deadline;
import java.time.Duration;
import java.util.BitSet;
import java.util.Objects;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.concurrent.locks.LockSupport;

/**
 * Lets requests into a device, and keeps them out while something about the device changes.
 *
 * <p>Every request passes {@link #tryEnter} before it is given to a queue and {@link #exit} when it
 * is done. {@link #freeze} turns new requests away and waits for those inside; freezes nest, and
 * the gate opens with the last {@link #thaw}. {@link #kill} turns everyone away for good.
 *
 * <p>A submitter that is turned away must not block: it may be the very thread that has to complete
 * what is inside. It keeps the request in a list of its own and then <em>looks again</em>: if
 * {@link #isOpen} or {@link #isKilled}, it takes the request back out of the list and starts over.
 * Otherwise the {@link GateListener} is still to be called, and will find the request in the list.
 *
 * <p>What a thread did before its {@code exit} is visible to the freezer when {@code freeze}
 * answers {@link FreezeOutcome#FROZEN}; what the freezer did before {@code thaw} is visible to
 * everyone who gets in afterwards.
 *
 * <p>In the block layer this is {@code q_usage_counter} with {@code blk_mq_freeze_queue} and {@code
 * blk_mq_unfreeze_queue}.
 */
public final class FreezeGate {
    /*
     * Two counters a queue:
     * ---------------------
     * A queue has two words: how many requests ever entered, and how many ever exited. They are
     * apart, each alone on its cache lines, because a submitter and the queue's thread are as a rule
     * two threads: with one counter that goes up and down, every request would carry that line from
     * one core to the other and back. The two top bits of the word for entries say that the gate is
     * shut (FROZEN, KILLED), so entering is one atomic addition: the value that comes back has the
     * count and the bits as they were at one instant.
     *
     * Why nobody is inside a frozen gate:
     * -----------------------------------
     * Entering and shutting are atomic operations on the same word, so one comes first. If the
     * addition does, the shutting thread sees the request counted and waits for it. If the bit does,
     * the addition's answer has it and the request is turned away: its count is taken back. With
     * the bit set the successful entries S of a queue no longer change. Let t be the additions not
     * yet taken back and X the exits: X <= S always, the words hold S + t and X, and X only grows.
     * If a reader finds them equal, at whatever two instants it read them, then S + t = X <= S, so
     * t = 0 and X = S: everyone who entered had exited. As the bit stays set while any freeze lasts,
     * a queue found empty stays empty, and queues can be looked at one after the other.
     *
     * Why the last exit is not missed:
     * --------------------------------
     * Entering needs no pair of barriers, exiting does. The freezer counts itself as waiting, then
     * reads the queue's words, then parks. Who exits adds to its word, then reads the number of
     * waiters. Both do a store and then a load of the other's word, and both are volatile, so they
     * have one total order (JLS 17.4.4; a locked instruction on x86): either the freezer reads the
     * exit, or the exit reads the waiter and unparks it. An unpark before the park is not lost. A
     * reader that sees a waiter also finds it in the list, which it joined before it counted itself.
     * Two threads that bring a queue's words together (two exits, or an exit and a count taken
     * back) each add to their word and read both afterwards: by the same argument the later one
     * sees that the words are equal, and wakes. While nobody waits, the number of waiters is
     * a line that all cores share and nobody writes.
     *
     * Who turned away looks at the word before adding to it. Without that, submitters hammering a
     * shut gate could keep t above 0 whenever the freezer looks. With it each of them can add once
     * at most after the gate was shut.
     *
     * Why the list of a turned-away request is not missed:
     * ----------------------------------------------------
     * The same pair again: the submitter puts the request in its list, then reads the bits; who
     * opens clears the bits, then reads the list. One of them sees the other.
     *
     * Why a freeze cannot block a queue's thread:
     * -------------------------------------------
     * Entering and exiting take no lock. The lock below orders freezes, thaws and kills among
     * themselves; it is held for one pass over the queues, and neither while waiting nor while the
     * listener runs. The one thread a freeze must not wait for is the one that asked for it: a
     * thread that completes requests waits for what only it can do. It says which queues are its
     * own, and is told of a DEADLOCK where somebody is inside one of them. As the gate has been shut
     * before they are looked at, a queue found empty stays empty, and the freeze then waits for the
     * others only. An addition that is just being taken back looks like a request, so an own queue
     * is given a moment.
     */

    /** Longs between two words, so that no two share a pair of cache lines. */
    private static final int STRIDE = 16;

    /** How long an own queue may look as if somebody were inside. */
    private static final Duration MOMENT = Duration.ofMillis(10);

    private static final BitSet NONE = new BitSet();

    private static final int WAITING = STRIDE;
    private static final int FIRST_QUEUE = 2 * STRIDE;

    private static final long FROZEN = 1L << 62;
    private static final long KILLED = 1L << 61;
    private static final long SHUT = FROZEN | KILLED;

    private final int queues;
    private final GateListener listener;
    private final AtomicLongArray words;
    private final Queue<Thread> waiting = new ConcurrentLinkedQueue<>();

    /** Guards {@link #depth} and the bits of all words; see above for who takes it. */
    private final Object bits = new Object();

    private int depth;
    private volatile boolean killed;

    /**
     * Makes an open gate.
     *
     * @param queues how many hardware queues the device has, at least 1
     * @param listener told when the gate opens again or is killed
     */
    public FreezeGate(int queues, GateListener listener) {
        if (queues < 1) {
            throw new IllegalArgumentException("queues=" + queues + ", at least 1");
        }
        this.queues = queues;
        this.listener = listener;
        this.words = new AtomicLongArray(FIRST_QUEUE + 2 * STRIDE * queues);
    }

    private int entered(int queue) {
        return FIRST_QUEUE + 2 * STRIDE * Objects.checkIndex(queue, queues);
    }

    private int exited(int queue) {
        return entered(queue) + STRIDE;
    }

    /**
     * Enters the gate of a queue, from any thread.
     *
     * @return true when the request is inside and owes an {@link #exit}; false when the gate is
     *     frozen or killed
     */
    public boolean tryEnter(int queue) {
        int word = entered(queue);
        if ((words.getOpaque(word) & SHUT) != 0) {
            return false;
        }
        if ((words.getAndAdd(word, 1) & SHUT) == 0) {
            return true;
        }
        words.getAndAdd(word, -1);
        wakeIfEmpty(queue);
        return false;
    }

    /**
     * Leaves the gate of the queue that was entered, from any thread. The request may use nothing
     * that a freeze protects from here on.
     */
    public void exit(int queue) {
        words.getAndAdd(exited(queue), 1); // pairs with the count of waiters in awaitEmpty
        assert inside(queue) >= 0 : "more exits than entries: " + this;
        wakeIfEmpty(queue);
    }

    private void wakeIfEmpty(int queue) {
        if (words.get(WAITING) != 0 && isEmpty(queue)) {
            wake();
        }
    }

    private void wake() {
        for (Thread thread : waiting) {
            LockSupport.unpark(thread);
        }
    }

    /** {@return whether the gate of a queue lets requests in} */
    public boolean isOpen(int queue) {
        return (words.get(entered(queue)) & SHUT) == 0;
    }

    /** {@return whether the gate has been killed} */
    public boolean isKilled() {
        return killed;
    }

    /** {@return how many requests are inside the gate of a queue, for display and assertions} */
    public long inside(int queue) {
        long out = words.get(exited(queue)); // read first: the difference is never below 0
        return (words.get(entered(queue)) & ~SHUT) - out;
    }

    private boolean isEmpty(int queue) {
        return inside(queue) == 0;
    }

    /**
     * Turns new requests away and waits, parked and without regard to interrupts, until everyone
     * inside has left. Requests are turned away from the moment of the call, not only once it
     * answers.
     *
     * <p>Freezes nest: each that answered {@link FreezeOutcome#FROZEN} takes one {@link #thaw}, by
     * any thread.
     *
     * @param timeout how long to wait for the requests inside, for ever if more than 292 years
     */
    public FreezeOutcome freeze(Duration timeout) {
        return freeze(timeout, NONE);
    }

    /**
     * Freezes on behalf of a thread that completes requests.
     *
     * @param timeout as above
     * @param own the queues whose requests that thread completes; it is not changed
     * @return {@link FreezeOutcome#DEADLOCK} at once when somebody is inside one of them
     */
    public FreezeOutcome freeze(Duration timeout, BitSet own) {
        synchronized (bits) {
            if (killed) {
                return FreezeOutcome.KILLED;
            }
            if (depth++ == 0) {
                addToAll(FROZEN);
            }
        }
        boolean frozen = false;
        try {
            FreezeOutcome outcome = awaitEmptyOwn(own);
            if (outcome == FreezeOutcome.FROZEN) {
                outcome = awaitEmpty(Deadline.in(timeout), true);
            }
            frozen = outcome == FreezeOutcome.FROZEN;
            return outcome;
        } finally {
            // Also where the heap has ended: otherwise the gate would never open again.
            if (!frozen) {
                thaw();
            }
        }
    }

    /**
     * Ends one freeze. The last one opens the gate, unless it has been killed, and calls the
     * listener.
     *
     * @throws IllegalStateException when nothing is frozen
     */
    public void thaw() {
        boolean opened = false;
        synchronized (bits) {
            if (depth == 0) {
                throw new IllegalStateException("thaw without freeze: " + this);
            }
            if (--depth == 0) {
                addToAll(-FROZEN);
                opened = !killed;
            }
        }
        if (opened) {
            listener.onOpened();
        }
    }

    /**
     * Turns requests away for good, ends the freezes that wait, and calls the listener. A second
     * call does nothing. Those inside still owe their {@link #exit}.
     */
    public void kill() {
        synchronized (bits) {
            if (killed) {
                return;
            }
            killed = true;
            addToAll(KILLED);
        }
        wake();
        listener.onKilled();
    }

    /**
     * Waits, parked and without regard to interrupts, until everyone inside a killed gate has left.
     * What requests use may be freed after that.
     *
     * @param timeout how long to wait, for ever if more than 292 years
     * @return whether nobody is inside
     * @throws IllegalStateException when the gate has not been killed
     */
    public boolean drain(Duration timeout) {
        if (!killed) {
            throw new IllegalStateException("drain before kill: " + this);
        }
        return awaitEmpty(Deadline.in(timeout), false) == FreezeOutcome.FROZEN;
    }

    /** Called with {@link #bits} held, so that a bit is added where it is clear. */
    private void addToAll(long bit) {
        for (int queue = 0; queue < queues; queue++) {
            words.getAndAdd(entered(queue), bit);
        }
    }

    private FreezeOutcome awaitEmptyOwn(BitSet own) {
        Deadline moment = Deadline.in(MOMENT);
        int queue = own.nextSetBit(0);
        while (queue >= 0) {
            if (isEmpty(queue)) {
                queue = own.nextSetBit(queue + 1);
            } else if (moment.isOver()) {
                return FreezeOutcome.DEADLOCK;
            } else {
                Thread.onSpinWait();
            }
        }
        return FreezeOutcome.FROZEN;
    }

    private FreezeOutcome awaitEmpty(Deadline deadline, boolean endedByKill) {
        Thread self = Thread.currentThread();
        boolean interrupted = false;
        waiting.add(self);
        words.getAndAdd(WAITING, 1); // pairs with the exit's addition to its word
        try {
            int queue = 0;
            while (true) {
                while (queue < queues && isEmpty(queue)) {
                    queue++;
                }
                if (queue == queues) {
                    return FreezeOutcome.FROZEN;
                }
                if (endedByKill && killed) {
                    return FreezeOutcome.KILLED;
                }
                if (deadline.isOver()) {
                    return FreezeOutcome.TIMED_OUT;
                }
                deadline.park(this);
                interrupted |= Thread.interrupted();
            }
        } finally {
            words.getAndAdd(WAITING, -1);
            waiting.remove(self);
            if (interrupted) {
                self.interrupt();
            }
        }
    }

    /** {@return the gate's state and how many requests are inside each queue's gate} */
    @Override
    public String toString() {
        StringBuilder text = new StringBuilder("FreezeGate[");
        synchronized (bits) {
            text.append(killed ? "killed" : depth == 0 ? "open" : "frozen " + depth + " deep");
        }
        for (int queue = 0; queue < queues; queue++) {
            text.append(", queue ").append(queue).append(": ").append(inside(queue));
        }
        return text.append(" inside]").toString();
    }
}
