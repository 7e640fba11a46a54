package dev.ublk4j.vhostuser.blk;

import java.util.concurrent.ConcurrentLinkedQueue;

/** Answers of the disk that came on another thread than the queue's, which finishes them. */
final class LateAnswers {
    private final ConcurrentLinkedQueue<Answer> waiting = new ConcurrentLinkedQueue<>();

    private record Answer(BlkSlot slot, long result) {}

    /** Adds an answer; from any thread. */
    void add(BlkSlot slot, long result) {
        waiting.add(new Answer(slot, result));
    }

    /** Finishes all that have come, on the queue's thread; answers whether there were any. */
    boolean finish() {
        boolean any = false;
        for (Answer next = waiting.poll(); next != null; next = waiting.poll()) {
            next.slot().finish(next.result());
            any = true;
        }
        return any;
    }
}
