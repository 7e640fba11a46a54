package dev.ublk4j.server;

import dev.ublk4j.linux.Errno;
import java.lang.System.Logger.Level;

/**
 * How much of each tag's request is done, and what an answer of the target comes to.
 *
 * <p>Drivers take nearly any answer that is no errno for the whole: a write of which a part is done
 * would be acknowledged, and its rest lost. So counts end here. On the queue's thread.
 */
final class Progress {
    private static final System.Logger LOG = System.getLogger(Progress.class.getName());

    /** The largest errno of the kernel, {@code MAX_ERRNO}. */
    private static final int MAX_ERRNO = 4095;

    private final String queue;
    private final int blockSize;

    /** The answer that ends the request well, by tag: the bytes of its data that are left. */
    private final int[] due;

    /** Bytes of the device that are left to be done. */
    private final long[] left;

    /** Bytes of data that the target has done before it was asked again. */
    private final int[] done;

    private boolean complained;

    /**
     * Starts with nothing asked.
     *
     * @param queue for messages
     * @param blockSize the unit in which the rest of a request can be asked for
     */
    Progress(int depth, String queue, int blockSize) {
        this.queue = queue;
        this.blockSize = blockSize;
        this.due = new int[depth];
        this.left = new long[depth];
        this.done = new int[depth];
    }

    /** Notes what the request of a tag asks for. */
    void asked(int tag, Request request) {
        long length = request.length();
        left[tag] = length;
        done[tag] = 0;
        due[tag] = request.hasData() ? (int) length : 0;
    }

    /**
     * {@return what an answer is worth: the bytes that are done, in whole blocks, 0 for the whole
     * of a request without data, or a negative errno}
     */
    int accept(int tag, int answer) {
        return answer == due[tag] ? answer : judge(tag, answer);
    }

    private int judge(int tag, int answer) {
        if (answer < 0 && answer >= -MAX_ERRNO) {
            return answer;
        }
        if (due[tag] == 0 && answer == left[tag]) {
            return 0;
        }
        // What is left over of a block is done again with the rest.
        int whole = answer & -blockSize;
        if (answer < 0 || answer > left[tag] || whole == 0) {
            complain(tag, answer);
            return Errno.EIO.negated();
        }
        return whole;
    }

    /** Once for each queue: there may be thousands of requests. */
    private void complain(int tag, int answer) {
        if (complained) {
            return;
        }
        complained = true;
        LOG.log(
                Level.ERROR,
                () ->
                        "%s: the target returned %d for a request of %d bytes; the request"
                                        .formatted(queue, answer, left[tag])
                                + " fails with EIO; later ones are not logged");
    }

    /** {@return whether the target is to be asked for more} {@code accepted} is not the whole. */
    boolean isShort(int tag, int accepted) {
        return accepted != due[tag] && accepted > 0;
    }

    /** Notes that a part is done. */
    void advance(int tag, int accepted) {
        left[tag] -= accepted;
        done[tag] += accepted;
        due[tag] = Math.max(0, due[tag] - accepted);
    }

    /** {@return what the driver is to be told} */
    int total(int tag, int accepted) {
        return accepted > 0 ? done[tag] + accepted : accepted;
    }
}
