package dev.ublk4j.server;

import java.util.BitSet;

/**
 * The ability of a {@link Target} to say which processors the threads of its device's queues run
 * on. Without it the queues of a device that has several are spread over the processors as the
 * driver spreads requests over the queues, so that a request is served where it was made.
 */
@FunctionalInterface
public interface QueueAffinity {
    /**
     * {@return the processors that the thread of a queue runs on, none for all that the process
     * has}
     *
     * @param queue the queue's number; with {@link ServerThreads}, the thread's
     * @param mapped the processors whose requests the driver puts into the queue ({@code
     *     UBLK_U_CMD_GET_QUEUE_AFFINITY}); none with {@link ServerThreads}
     */
    BitSet processors(int queue, BitSet mapped);

    /** {@return threads that run wherever the process may} */
    static QueueAffinity none() {
        return (_, _) -> new BitSet();
    }

    /**
     * {@return threads that run on some processors: each on those that are mapped to its queue, or
     * on all of them where none is}
     */
    static QueueAffinity on(BitSet processors) {
        BitSet chosen = (BitSet) processors.clone();
        return (_, mapped) -> {
            BitSet both = (BitSet) chosen.clone();
            both.and(mapped);
            return both.isEmpty() ? (BitSet) chosen.clone() : both;
        };
    }
}
