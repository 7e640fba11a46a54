package dev.ublk4j.qcow2;

import dev.ublk4j.server.Queue;

/** Something that the {@link Allocator} is to do, on its thread. */
sealed interface Task {
    /** For a request, which it ends. */
    sealed interface Asked extends Task {
        Queue queue();

        long requestId();
    }

    /** To end when all is done. */
    record Stop() implements Task {}

    /** To have a cluster of the disk be where its data has been written. */
    record Link(
            Queue queue, long requestId, long cluster, long host, boolean isTaken, boolean ordered)
            implements Asked {}

    record Give(Queue queue, long requestId, long from, long to, Allocator.Giving how)
            implements Asked {}

    record Refill(Queue queue, long requestId) implements Asked {}
}
