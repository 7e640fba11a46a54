package dev.ublk4j.vhostuser.ring;

/**
 * One virtqueue, the device's end of it. One thread at a time.
 *
 * <p>Every method may throw a {@link BadRingException}; the ring is not to be used after that.
 */
public interface Vring {
    /** The largest ring that is taken. */
    int MAX_SIZE = 1024;

    /** What {@link #pop} answers when the client has made nothing available. */
    int NONE = -1;

    /** {@return how many requests can be out at a time} */
    int size();

    /** {@return how many requests another process left unanswered, which come first} */
    int unfinished();

    /**
     * Takes the next request off the ring.
     *
     * @param memory where its descriptors' addresses are looked up
     * @param chain filled with its memory
     * @return the number to {@link #push} it back with, below {@link #size}, or {@link #NONE}
     */
    int pop(GuestMemory memory, DescriptorChain chain);

    /**
     * Gives a request back, with {@link #publish}.
     *
     * @param id what {@link #pop} answered
     * @param written the bytes that were written into its memory, from its first writable one on
     */
    void push(int id, int written);

    /**
     * Shows the client what has been pushed since the last time.
     *
     * @return whether the client wants to be called
     */
    boolean publish();

    /** Asks the client not to kick: the device looks by itself. */
    void disableKicks();

    /**
     * Asks the client to kick when it makes the next request available.
     *
     * @return whether there is one already, for which no kick may come
     */
    boolean enableKicks();

    /**
     * {@return where the ring stands, as {@code SET_VRING_BASE} and {@code GET_VRING_BASE} say it;
     * all 32 bits may count}
     */
    int base();
}
