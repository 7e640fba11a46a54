package dev.ublk4j.nbd;

import dev.ublk4j.linux.internal.Complaint;
import java.lang.System.Logger.Level;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ThreadFactory;

/**
 * Where a server has its threads from. There may be none left, for a moment or for long: then
 * {@link OutOfMemoryError} comes out of a start, and whoever needs the thread must undo what he has
 * begun.
 */
final class Threads {
    private static final System.Logger LOG = System.getLogger(Threads.class.getName());

    private final ThreadFactory platform;
    private final ThreadFactory virtual;

    /** What had to be done and had no thread. */
    private final ConcurrentLinkedQueue<Runnable> postponed = new ConcurrentLinkedQueue<>();

    Threads(ThreadFactory platform, ThreadFactory virtual) {
        this.platform = platform;
        this.virtual = virtual;
    }

    /** {@return the JDK's own} */
    static Threads ofJdk() {
        return new Threads(Thread.ofPlatform().daemon().factory(), Thread.ofVirtual().factory());
    }

    /** Starts a platform thread, which does not keep the process alive. */
    Thread start(String name, Runnable task) {
        Thread thread = platform.newThread(task);
        thread.setName(name);
        thread.start();
        return thread;
    }

    /** Starts a virtual thread. */
    void startVirtual(String name, Runnable task) {
        Thread thread = virtual.newThread(task);
        thread.setName(name);
        thread.start();
    }

    /** Has something done on a thread of its own: now, or as soon as there can be one. */
    void startSometime(String name, Runnable task) {
        try {
            startVirtual(name, task);
        } catch (Throwable e) {
            postponed.add(task);
        }
    }

    /** Does on this thread what had none. */
    void catchUp() {
        for (Runnable task = postponed.poll(); task != null; task = postponed.poll()) {
            try {
                task.run();
            } catch (Throwable e) {
                Complaint.log(LOG, Level.ERROR, "something was not shut down cleanly", e);
            }
        }
    }
}
