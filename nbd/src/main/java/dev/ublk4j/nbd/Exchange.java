package dev.ublk4j.nbd;

import dev.ublk4j.linux.Errno;
import dev.ublk4j.nbd.wire.Command;
import dev.ublk4j.server.Queue;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.function.Consumer;

/** A request on its way to a server, and what has come of the reply. */
final class Exchange {
    private final Queue queue;
    private final long requestId;
    private final int command;
    private final int flags;
    private final long offset;
    private final long length;
    private final MemorySegment data;
    private final long cookie;
    private final long deadlineNanos;
    private final Consumer<Exchange> ended;

    /** When it was sent last; of the thread that sends, and read by others. */
    private volatile long sentNanos;

    private long received;
    private int failed;

    /**
     * Describes one.
     *
     * @param data of a read or a write
     * @param deadlineNanos until when there has to be a reply, in the time of {@link
     *     System#nanoTime}
     * @param ended told when its reply is complete
     */
    Exchange(
            Queue queue,
            long requestId,
            int command,
            int flags,
            long offset,
            long length,
            MemorySegment data,
            long cookie,
            long deadlineNanos,
            Consumer<Exchange> ended) {
        this.queue = queue;
        this.requestId = requestId;
        this.command = command;
        this.flags = flags;
        this.offset = offset;
        this.length = length;
        this.data = data;
        this.cookie = cookie;
        this.deadlineNanos = deadlineNanos;
        this.ended = ended;
    }

    Queue queue() {
        return queue;
    }

    int command() {
        return command;
    }

    int flags() {
        return flags;
    }

    long offset() {
        return offset;
    }

    long length() {
        return length;
    }

    MemorySegment data() {
        return data;
    }

    long cookie() {
        return cookie;
    }

    long deadlineNanos() {
        return deadlineNanos;
    }

    long sentNanos() {
        return sentNanos;
    }

    /** Begins from the start. */
    void sent(long nanos) {
        sentNanos = nanos;
        received = 0;
        failed = 0;
    }

    /** {@return the result of all of it} */
    int whole() {
        return command == Command.READ || command == Command.WRITE ? (int) length : 0;
    }

    /** {@return where a piece of the data goes}, which counts as received */
    MemorySegment slice(long at, long bytes) throws IOException {
        long begin = at - offset;
        if (command != Command.READ || begin < 0 || bytes > length || begin > length - bytes) {
            throw new IOException("it sends data that was not asked for");
        }
        received += bytes;
        if (received > length) {
            throw new IOException("it sends more data than was asked for");
        }
        return data.asSlice(begin, bytes);
    }

    /** Notes that a part has failed, with a negative errno. */
    void fail(int errno) {
        failed = failed == 0 ? errno : failed;
    }

    void endOfChunks() throws IOException {
        if (failed == 0 && command == Command.READ && received < length) {
            throw new IOException("it ends a reply before all data has come");
        }
        end(failed == 0 ? whole() : failed);
    }

    /** Ends the request. */
    void end(int result) {
        ended.accept(this);
        complete(result);
    }

    /** Ends the request, of which nobody waits for the reply. */
    void complete(int result) {
        try {
            queue.complete(requestId, result);
        } catch (IllegalStateException e) {
            // The queue has failed meanwhile, and its requests with it.
            NbdTarget.LOG.log(System.Logger.Level.DEBUG, "a reply for a queue that has failed", e);
        }
    }

    /** Ends it without a reply. */
    void expire() {
        complete(Errno.EIO.negated());
    }
}
