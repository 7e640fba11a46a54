package dev.ublk4j.driver.spi;

/**
 * Buffers that a driver fills with the tags of requests, for {@link QueueRing#fetchBatch}. A buffer
 * that a completion names belongs to the queue's thread until it gives it back. On that thread.
 */
public interface TagBuffers extends AutoCloseable {
    /**
     * {@return a tag}
     *
     * @param buffer the number of a buffer that has been filled
     * @param index below the number of tags that the completion tells of
     */
    int tag(int buffer, int index);

    /** Lends a buffer to the driver again. */
    void giveBack(int buffer);

    /** Takes all buffers from the driver, which can bring no more requests then. */
    @Override
    void close();
}
