package dev.ublk4j.embedded.queue;

import dev.ublk4j.embedded.block.BlockRequest;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.uapi.wire.IoResult;
import dev.ublk4j.uring.CompletionHandler;
import dev.ublk4j.uring.IoUring;
import java.util.ArrayDeque;
import org.jspecify.annotations.Nullable;

/**
 * The requests of one queue on their way to a server that fetches many at a time ({@code
 * UBLK_F_BATCH_IO}). On the thread of the ring.
 *
 * <p>A request waits here, not yet described, until there is a fetch and a buffer for its tag.
 * Where this ring has no fetch, it waits {@linkplain UblkQueue#putAside aside} for that of any
 * ring.
 */
final class BatchDelivery {
    private final ServerRing ring;
    private final UblkQueue queue;
    private final RequestDispatch dispatch;
    private final ArrayDeque<BlockRequest> waiting;
    private final ArrayDeque<Fetch> fetches = new ArrayDeque<>();

    /** A {@code FETCH_IO_CMDS} that is under way. */
    private record Fetch(EmbeddedTagBuffers buffers, long userData) {}

    BatchDelivery(ServerRing ring, UblkQueue queue, RequestDispatch dispatch) {
        this.ring = ring;
        this.queue = queue;
        this.dispatch = dispatch;
        this.waiting = new ArrayDeque<>(queue.depth());
    }

    /** {@return the result of a fetch, or {@link RingCommands#KEPT}} */
    int fetch(EmbeddedTagBuffers buffers, long userData) {
        if (queue.refusesFetches()) {
            return IoResult.UBLK_IO_RES_ABORT;
        }
        fetches.add(new Fetch(buffers, userData));
        if (fetches.size() == 1) {
            queue.addFetcher(ring);
        }
        return RingCommands.KEPT;
    }

    /** Takes a request that has been started. */
    void add(BlockRequest request) {
        waiting.add(request);
    }

    /** {@return whether a fetch is under way} */
    boolean isFetching() {
        return !fetches.isEmpty();
    }

    private boolean hasRequest() {
        return !waiting.isEmpty() || queue.hasAside();
    }

    private @Nullable BlockRequest next() {
        @Nullable BlockRequest own = waiting.poll();
        return own != null ? own : queue.takeAside();
    }

    /** Brings what can be brought. */
    void deliver(CompletionHandler server) {
        while (!fetches.isEmpty() && hasRequest()) {
            Fetch fetch = fetches.getFirst();
            EmbeddedTagBuffers buffers = fetch.buffers;
            int buffer = buffers.take();
            if (buffer < 0) {
                fetches.removeFirst();
                if (fetches.isEmpty()) {
                    queue.removeFetcher(ring);
                }
                server.onCompletion(fetch.userData, Errno.ENOBUFS.negated(), 0);
                continue;
            }
            int tags = 0;
            while (tags < buffers.size()) {
                BlockRequest request = next();
                if (request == null) {
                    break;
                }
                int tag = request.tag();
                if (dispatch.dispatch(queue, request) == IoResult.UBLK_IO_RES_OK) {
                    buffers.put(buffer, tags++, tag);
                }
            }
            server.onCompletion(
                    fetch.userData,
                    tags * Short.BYTES,
                    IoUring.IORING_CQE_F_BUFFER
                            | IoUring.IORING_CQE_F_MORE
                            | buffer << IoUring.IORING_CQE_BUFFER_SHIFT);
        }
        while (fetches.isEmpty() && !waiting.isEmpty()) {
            queue.putAside(waiting.removeFirst());
        }
    }

    /** Ends the fetches, and takes back the requests that wait for one. */
    void cancel(CompletionHandler server) {
        queue.removeFetcher(ring);
        for (Fetch fetch = fetches.poll(); fetch != null; fetch = fetches.poll()) {
            server.onCompletion(fetch.userData, IoResult.UBLK_IO_RES_ABORT, 0);
        }
        for (@Nullable BlockRequest request = waiting.poll();
                request != null;
                request = waiting.poll()) {
            queue.abort(request);
        }
    }
}
