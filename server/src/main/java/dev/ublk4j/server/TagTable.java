package dev.ublk4j.server;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.Arrays;
import java.util.stream.IntStream;

/**
 * Who owns each tag of a queue, and which request it carries. The first tags are the driver's; more
 * are {@linkplain #add added} for the requests of layers.
 *
 * <p>Only the queue thread moves a tag to {@link State#DELIVERED} or {@link State#GONE}. A request
 * is ended by whoever answers it, on any thread; of several answers exactly one succeeds.
 */
final class TagTable {
    /** Where a tag is. */
    enum State {
        /** With the driver, which delivers a request or takes the tag back. */
        FETCHED(0),
        /** With the target, which owes an answer. */
        DELIVERED(1),
        /**
         * Answered; the queue thread is about to hand it to the driver, or its rest to the target.
         */
        ANSWERED(2),
        /** Taken back by the driver: the device stops. */
        GONE(3);

        private final int code;

        State(int code) {
            this.code = code;
        }

        static State of(int code) {
            return switch (code) {
                case 0 -> FETCHED;
                case 1 -> DELIVERED;
                case 2 -> ANSWERED;
                default -> GONE;
            };
        }
    }

    private static final VarHandle ENTRY = MethodHandles.arrayElementVarHandle(long[].class);
    private static final int STATE_BITS = 2;
    private static final long STATE_MASK = (1 << STATE_BITS) - 1;

    private static final int CHUNK_SHIFT = 8;
    private static final int CHUNK_MASK = (1 << CHUNK_SHIFT) - 1;

    /**
     * Generation and state of each tag in one word, so that one compare-and-set checks both. In
     * chunks that stay where they are: other threads answer while the table grows.
     */
    private volatile long[][] chunks;

    private final int depth;
    private int size;
    private int alive;
    private int out;

    TagTable(int depth) {
        this.depth = depth;
        this.size = depth;
        this.alive = depth;
        this.chunks = new long[(depth + CHUNK_MASK) >>> CHUNK_SHIFT][1 << CHUNK_SHIFT];
    }

    /** {@return a tag more, which is not the driver's}; on the queue thread */
    int add() {
        if (size == RequestId.MAX_TAGS) {
            throw new IllegalStateException("a queue has no more than " + size + " requests");
        }
        long[][] known = chunks;
        if (size >>> CHUNK_SHIFT == known.length) {
            long[][] more = Arrays.copyOf(known, known.length + 1);
            more[known.length] = new long[1 << CHUNK_SHIFT];
            chunks = more;
        }
        return size++;
    }

    private long[] chunk(int tag) {
        return chunks[tag >>> CHUNK_SHIFT];
    }

    /** {@return whether a tag may have been handed out}; from any thread */
    private boolean isKnown(int tag) {
        return tag >>> CHUNK_SHIFT < chunks.length;
    }

    private static long entry(long generation, State state) {
        return generation << STATE_BITS | state.code;
    }

    /** Begins the next request of a fetched tag and answers its id. */
    long deliver(int tag) {
        long entry = chunk(tag)[tag & CHUNK_MASK];
        assert state(entry) == State.FETCHED : describe(tag);
        long generation = RequestId.nextGeneration(entry >>> STATE_BITS);
        // Release: a target hands the id to other threads, which find the request described.
        ENTRY.setRelease(chunk(tag), tag & CHUNK_MASK, entry(generation, State.DELIVERED));
        out++;
        return RequestId.of(tag, generation);
    }

    /**
     * Begins another request of an answered tag, for what is left of the last, and answers its id.
     */
    long deliverAgain(int tag) {
        long entry = chunk(tag)[tag & CHUNK_MASK];
        assert state(entry) == State.ANSWERED : describe(tag);
        long generation = RequestId.nextGeneration(entry >>> STATE_BITS);
        ENTRY.setRelease(chunk(tag), tag & CHUNK_MASK, entry(generation, State.DELIVERED));
        return RequestId.of(tag, generation);
    }

    /** {@return the id that {@link #deliver} gives the next request of a fetched tag} */
    long nextId(int tag) {
        return RequestId.of(tag, RequestId.nextGeneration(read(tag) >>> STATE_BITS));
    }

    /** {@return whether an id is the next of a tag of layers}; from any thread, for messages */
    boolean isAhead(long id) {
        int tag = RequestId.tag(id);
        return tag >= depth
                && isKnown(tag)
                && state(read(tag)) == State.FETCHED
                && nextId(tag) == id;
    }

    /**
     * Ends a request; from any thread.
     *
     * @return whether this call ended it: false when it was answered before, or never was
     */
    boolean answer(long id) {
        int tag = RequestId.tag(id);
        if (!isKnown(tag)) {
            return false;
        }
        long generation = RequestId.generation(id);
        return ENTRY.compareAndSet(
                chunk(tag),
                tag & CHUNK_MASK,
                entry(generation, State.DELIVERED),
                entry(generation, State.ANSWERED));
    }

    /** Hands an answered tag back: to the driver, or to those that layers may use. */
    void fetch(int tag) {
        long entry = chunk(tag)[tag & CHUNK_MASK];
        assert state(entry) == State.ANSWERED : describe(tag);
        ENTRY.setOpaque(chunk(tag), tag & CHUNK_MASK, entry(entry >>> STATE_BITS, State.FETCHED));
        out--;
    }

    /** Notes that the driver took a tag back. */
    void gone(int tag) {
        long entry = chunk(tag)[tag & CHUNK_MASK];
        assert state(entry) == State.FETCHED : describe(tag);
        ENTRY.setOpaque(chunk(tag), tag & CHUNK_MASK, entry(entry >>> STATE_BITS, State.GONE));
        alive--;
    }

    /** {@return how many tags are not gone}; on the queue thread */
    int alive() {
        return alive;
    }

    /** {@return how many tags carry a request that has not been committed}; on the queue thread */
    int out() {
        return out;
    }

    /** {@return whether an id names a request that is still owed an answer} */
    boolean isOut(long id) {
        int tag = RequestId.tag(id);
        return isKnown(tag) && read(tag) == entry(RequestId.generation(id), State.DELIVERED);
    }

    /** {@return the driver's requests that have not been committed}; from any thread */
    long[] carried() {
        return IntStream.range(0, depth)
                .filter(tag -> isCarrying(read(tag)))
                .mapToLong(tag -> idOf(tag, read(tag)))
                .toArray();
    }

    /** {@return whether one of some requests still has not been committed}; from any thread */
    boolean carriesAny(long[] ids) {
        for (long id : ids) {
            int tag = RequestId.tag(id);
            long entry = read(tag);
            if (isCarrying(entry) && idOf(tag, entry) == id) {
                return true;
            }
        }
        return false;
    }

    private long read(int tag) {
        return (long) ENTRY.getAcquire(chunk(tag), tag & CHUNK_MASK);
    }

    private static boolean isCarrying(long entry) {
        State state = state(entry);
        return state == State.DELIVERED || state == State.ANSWERED;
    }

    private static long idOf(int tag, long entry) {
        return RequestId.of(tag, entry >>> STATE_BITS);
    }

    /** {@return where a tag is}; from any thread, for messages */
    State state(int tag) {
        return state((long) ENTRY.getOpaque(chunk(tag), tag & CHUNK_MASK));
    }

    private static State state(long entry) {
        return State.of((int) (entry & STATE_MASK));
    }

    private String describe(int tag) {
        return "tag " + tag + " is " + state(tag);
    }
}
