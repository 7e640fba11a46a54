package dev.ublk4j.server;

/**
 * A file that a {@link Queue} does I/O on, from {@link Queue#register}. On the queue's thread.
 *
 * <p>It is registered with the queue's ring where that has room. Closing this does not close it.
 */
public final class RingFile implements AutoCloseable {
    private final Queue queue;
    private final int number;
    private final boolean registered;

    RingFile(Queue queue, int number, boolean registered) {
        this.queue = queue;
        this.number = number;
        this.registered = registered;
    }

    /** {@return what entries of the ring name the file by: its slot, or its descriptor} */
    int number() {
        return number;
    }

    boolean isRegistered() {
        return registered;
    }

    /**
     * Takes the file back from the ring, which the kernel may take down later than it is closed.
     */
    @Override
    public void close() {
        if (registered) {
            queue.unregister(number);
        }
    }
}
