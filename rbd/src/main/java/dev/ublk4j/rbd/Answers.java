package dev.ublk4j.rbd;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.System.Logger.Level;
import java.lang.foreign.FunctionDescriptor;
import java.lang.invoke.MethodHandles;
import java.util.Arrays;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * Where librbd's threads bring the ends of requests.
 *
 * <p>A call-back has one argument, the number of a queue and the tag of its request. The function
 * that is called lives as long as the process, and so do the numbers: what comes late, when the
 * queue has ended, finds nobody, and nothing else.
 */
final class Answers {
    private static final System.Logger LOG = System.getLogger(Answers.class.getName());

    /** {@code void (*rbd_callback_t)(rbd_completion_t, void *)}. */
    static final long CALLBACK =
            NativeFunction.upcall(
                    MethodHandles.lookup(),
                    "completed",
                    FunctionDescriptor.ofVoid(JAVA_LONG, JAVA_LONG));

    private static final long NO_MEMORY_PAUSE_NANOS = 1_000_000;

    private static final int TAG_BITS = 24;
    private static final long TAG_MASK = (1 << TAG_BITS) - 1;

    /** By number. A queue that has ended leaves its place empty. */
    private static volatile @Nullable ImageQueue[] queues = new @Nullable ImageQueue[8];

    private static int count;

    private Answers() {}

    /** {@return the number of a queue that is called from now on} */
    static synchronized int add(ImageQueue queue) {
        @Nullable ImageQueue[] known = queues;
        // The numbers of those that have ended are not used again: answers may be late.
        int number = count;
        if (number == known.length) {
            known = Arrays.copyOf(known, 2 * number);
        }
        known[number] = queue;
        queues = known;
        count++;
        return number;
    }

    /** Forgets a queue that has no request any more, or does not want to hear of them. */
    static synchronized void remove(int number) {
        @Nullable ImageQueue[] known = queues;
        known[number] = null;
        queues = known;
    }

    /** {@return what a call-back is given for a request} */
    static long argument(int queue, int tag) {
        return (long) queue << TAG_BITS | tag;
    }

    /** Called by librbd, on a thread of its own. Must not throw: that would end the process. */
    static void completed(long completion, long argument) {
        long result = resultOf(completion);
        try {
            Librbd.release(completion);
            ImageQueue queue = queues[(int) (argument >>> TAG_BITS)];
            if (queue != null) {
                queue.answered((int) (argument & TAG_MASK), result);
            }
        } catch (Throwable e) {
            complain(e);
        }
    }

    /** Waits for memory if need be: a request without its result would have no answer. */
    private static long resultOf(long completion) {
        while (true) {
            try {
                return Librbd.returnValue(completion);
            } catch (OutOfMemoryError e) {
                LockSupport.parkNanos(NO_MEMORY_PAUSE_NANOS);
            }
        }
    }

    private static void complain(Throwable e) {
        try {
            LOG.log(Level.ERROR, "an answer of librbd is lost", e);
        } catch (Throwable _) {
            // Nothing may leave this thread, and nobody is there to be told.
        }
    }
}
