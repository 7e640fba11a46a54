package dev.ublk4j.server;

import dev.ublk4j.linux.Errno;
import java.lang.System.Logger.Level;

/**
 * What the result of a request comes to: the one place where results are judged.
 *
 * <p>Drivers take nearly any result that is no errno for the whole: a write of which a part is done
 * would be acknowledged, and its rest lost. So counts end here. On the queue's thread.
 */
final class Progress {
    private static final System.Logger LOG = System.getLogger(Progress.class.getName());

    /** The largest errno of the kernel, {@code MAX_ERRNO}. */
    private static final int MAX_ERRNO = 4095;

    private final String queue;
    private final int blockSize;

    private boolean complained;

    /**
     * Creates the judge of a queue.
     *
     * @param queue for messages
     * @param blockSize the unit in which the rest of a request can be asked for
     */
    Progress(String queue, int blockSize) {
        this.queue = queue;
        this.blockSize = blockSize;
    }

    /**
     * {@return what a result is worth: the bytes that are done, in whole blocks, 0 for the whole of
     * a request without data, or a negative errno}
     */
    int accept(Request request, int result) {
        return result == request.due() ? result : judge(request, result);
    }

    private int judge(Request request, int result) {
        if (result < 0 && result >= -MAX_ERRNO) {
            return result;
        }
        long left = request.length();
        if (request.due() == 0 && result == left) {
            return 0;
        }
        // What is left over of a block is done again with the rest.
        int whole = result & -blockSize;
        boolean isWhole = request.operation() == Operation.ZONE_APPEND; // in one place, or not
        if (result < 0 || result > left || whole == 0 || isWhole) {
            complain(request, result);
            return Errno.EIO.negated();
        }
        return whole;
    }

    /** Once for each queue: there may be thousands of requests. */
    private void complain(Request request, int result) {
        if (complained) {
            return;
        }
        complained = true;
        LOG.log(
                Level.ERROR,
                () ->
                        "%s: the target returned %d for a request of %d bytes; the request"
                                        .formatted(queue, result, request.length())
                                + " fails with EIO; later ones are not logged");
    }
}
