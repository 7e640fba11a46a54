package dev.ublk4j.layers;

import dev.ublk4j.linux.Errno;
import dev.ublk4j.server.Queue;
import dev.ublk4j.server.Request;
import java.io.IOException;
import java.lang.System.Logger.Level;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * Writes the table of a layer to its file, for one queue at a time: later pages must not be
 * overtaken by earlier ones. From the threads of all queues.
 *
 * <p>A queue that has {@linkplain #begin begun} takes the pages that have changed, sends a part of
 * its request to {@link #write}, and ends when that part has: with {@link #end}, or {@link #giveUp}
 * where it has failed. It ends whatever is thrown in between, or no table is written any more.
 */
final class TableWriter {
    private static final System.Logger LOG = System.getLogger(TableWriter.class.getName());

    /** Pages of the table as they were at one moment. */
    interface Pages {
        /** Writes them to the file, durably. Blocks. */
        void write() throws IOException;

        /** Notes that they have not been written. */
        void putBack();
    }

    private final String table;
    private final ThreadFactory threads;
    private final AtomicBoolean writing = new AtomicBoolean();

    /**
     * Makes one.
     *
     * @param table what it is, for messages
     * @param threads makes threads that may wait for the file
     */
    TableWriter(String table, ThreadFactory threads) {
        this.table = table;
        this.threads = threads;
    }

    /** {@return whether the caller may write now} Otherwise another does. */
    boolean begin() {
        return writing.compareAndSet(false, true);
    }

    /** Lets the next one begin. */
    void end() {
        writing.set(false);
    }

    /** Puts pages back, if there are any, and lets the next one begin. */
    void giveUp(@Nullable Pages pages) {
        try {
            if (pages != null) {
                pages.putBack();
            }
        } finally {
            end();
        }
    }

    /**
     * Writes pages, and completes the request then; what is thrown instead ends that as well. On
     * the queue's thread, by who has begun.
     */
    void write(Queue queue, Request request, Pages pages) {
        Write write = new Write(queue, request.id(), pages);
        try {
            Thread thread = threads.newThread(write);
            thread.setName(queue + "-table");
            thread.start();
        } catch (Throwable e) {
            // A scheduler that finds no memory for one more worker may have given it to another.
            if (!write.taken.getAndSet(true)) {
                throw e;
            }
        }
    }

    private final class Write implements Runnable {
        private final Queue queue;
        private final long request;
        private final Pages pages;

        /** Whether a thread has it, or nobody will. */
        final AtomicBoolean taken = new AtomicBoolean();

        Write(Queue queue, long request, Pages pages) {
            this.queue = queue;
            this.request = request;
            this.pages = pages;
        }

        @Override
        public void run() {
            if (taken.getAndSet(true)) {
                return;
            }
            int result = Errno.EIO.negated();
            try {
                pages.write();
                result = 0;
            } catch (Throwable e) {
                result = (e instanceof OutOfMemoryError ? Errno.ENOMEM : Errno.EIO).negated();
                LOG.log(Level.ERROR, () -> table + " cannot be written", e);
            } finally {
                queue.complete(request, result);
            }
        }
    }
}
