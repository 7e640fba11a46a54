package dev.ublk4j.layers;

import java.util.concurrent.ThreadFactory;
import java.util.concurrent.atomic.AtomicBoolean;

/** Finds no memory for the first thread. */
final class NoThreadAtFirst implements ThreadFactory {
    private final ThreadFactory threads = Thread.ofVirtual().factory();
    private final AtomicBoolean failed = new AtomicBoolean();

    @Override
    public Thread newThread(Runnable task) {
        if (!failed.getAndSet(true)) {
            throw new OutOfMemoryError("no thread, for a test");
        }
        return threads.newThread(task);
    }
}
