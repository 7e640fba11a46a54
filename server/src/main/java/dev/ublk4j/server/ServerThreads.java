package dev.ublk4j.server;

/**
 * The ability of a {@link Target} to have its device served by any number of threads. Without it
 * each queue has a thread of its own.
 *
 * <p>The tags of all queues are dealt out to the threads one after the other, so that all threads
 * serve even what comes to a single queue ({@code UBLK_F_PER_IO_DAEMON}, Linux 6.16). On a device
 * whose commands travel in {@linkplain Mode#batch batches} a thread serves whole queues, or, where
 * there are more threads than queues, whatever it gets of the queue that it shares with others.
 *
 * <p>A {@link Queue} of the target is then that which a thread serves, and {@link Queue#id} the
 * number of the thread.
 */
@FunctionalInterface
public interface ServerThreads {
    /**
     * {@return how many threads serve the device, 1 or more} There are never more than the device
     * has tags, and a thread serves no more than 4096 of them.
     */
    int count();
}
