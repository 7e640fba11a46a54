package dev.ublk4j.embedded.block;

/** What the block layer asks of the driver of a queue: its {@code blk_mq_ops}. Any thread. */
public interface QueueDriver {
    /** Requests go to the driver. */
    int ADMITTED = 0;

    /**
     * Requests wait in the block layer until it is told to {@linkplain Gendisk#drainQueues go on}.
     */
    int HELD = 1;

    /**
     * {@return {@link #ADMITTED}, {@link #HELD}, or the negative errno that every request ends
     * with}
     */
    int admission();

    /** {@return whether requests wait for a next server when there is none} */
    boolean holdsRequests();

    /**
     * Takes a request, to {@linkplain BlockRequest#finish end} it once or to {@linkplain
     * BlockRequest#requeue give it back}.
     */
    void start(BlockRequest request);
}
