package dev.ublk4j.server;

import dev.ublk4j.driver.spi.QueueRing;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.uapi.wire.IoCommand;
import java.lang.System.Logger.Level;
import java.util.BitSet;

/**
 * Registers the pages of requests with the queue's io_uring, and takes them out, by commands to the
 * driver. On the queue's thread.
 *
 * <p>The ring carries out its entries in order, so nobody waits for these: I/O that is prepared
 * behind {@link #register} finds the pages. Where they could not be registered that I/O fails, and
 * the request with it.
 */
final class RequestPages {
    private static final System.Logger LOG = System.getLogger(RequestPages.class.getName());

    private final QueueRing ring;
    private final ServedTags tags;

    /** Tags whose pages could not be registered, and so cannot be taken out. */
    private final BitSet refused = new BitSet();

    private boolean hasWarned;

    RequestPages(QueueRing ring, ServedTags tags) {
        this.ring = ring;
        this.tags = tags;
    }

    /** Prepares the registration of the pages of a tag's request. */
    void register(int tag, int slot) {
        send(IoCommand.UBLK_U_IO_REGISTER_IO_BUF, tag, slot);
    }

    /** Prepares the end of {@link #register}. */
    void unregister(int tag, int slot) {
        send(IoCommand.UBLK_U_IO_UNREGISTER_IO_BUF, tag, slot);
    }

    private void send(int op, int tag, int slot) {
        ring.command(
                op, tags.queue(tag), tags.tagInQueue(tag), 0, slot, RequestId.pagesUserData(tag));
    }

    /** Takes the result of either. */
    void completed(int tag, int result) {
        if (result >= 0) {
            return;
        }
        if (refused.get(tag)) {
            refused.clear(tag);
            return;
        }
        refused.set(tag);
        LOG.log(
                hasWarned ? Level.DEBUG : Level.WARNING,
                () ->
                        "queue %d, tag %d: the pages of a request cannot be registered, it fails: %s"
                                .formatted(
                                        tags.queue(tag), tags.tagInQueue(tag), Errno.of(result)));
        hasWarned = true;
    }
}
