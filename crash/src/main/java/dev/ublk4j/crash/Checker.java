package dev.ublk4j.crash;

import java.time.Duration;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/** Runs a check, one image after the other, on a thread that can be given up. */
final class Checker implements AutoCloseable {
    private final CrashLab.Check check;
    private final Duration limit;
    private volatile @Nullable Thread thread;
    private ExecutorService worker = newWorker();

    Checker(CrashLab.Check check, Duration limit) {
        this.check = check;
        this.limit = limit;
    }

    private ExecutorService newWorker() {
        return Executors.newSingleThreadExecutor(task -> {
            Thread created = Thread.ofPlatform().daemon().name("crash-check").unstarted(task);
            thread = created;
            return created;
        });
    }

    /**
     * Checks what an image shows.
     *
     * @return what the check threw, or null
     * @throws CheckHangs when it does not end in time; the next check has another thread
     * @throws Interrupted when this thread is interrupted, as it is afterwards
     */
    @Nullable Throwable run(CrashImage image, long size) {
        CheckedDisk disk = new CheckedDisk(image, size);
        Future<@Nullable Throwable> running = worker.submit(() -> thrownBy(disk));
        try {
            return running.get(TimeUnit.NANOSECONDS.convert(limit), TimeUnit.NANOSECONDS);
        } catch (ExecutionException e) {
            return e.getCause();
        } catch (TimeoutException _) {
            throw hangs(running);
        } catch (InterruptedException e) {
            running.cancel(true);
            Thread.currentThread().interrupt();
            throw new Interrupted(e);
        } finally {
            disk.end();
        }
    }

    private @Nullable Throwable thrownBy(CrashedDisk disk) {
        try {
            check.check(disk);
            return null;
        } catch (Throwable e) {
            return e;
        }
    }

    private CheckHangs hangs(Future<?> running) {
        CheckHangs hangs = new CheckHangs(limit);
        Thread stuck = thread;
        if (stuck != null) {
            hangs.setStackTrace(stuck.getStackTrace());
        }
        running.cancel(true);
        worker.shutdownNow();
        worker = newWorker();
        return hangs;
    }

    /** Interrupts a check that has been given up; its disk throws from now on. */
    @Override
    public void close() {
        worker.shutdownNow();
    }

    /** The thread that searches is not to go on. */
    static final class Interrupted extends IllegalStateException {
        private static final long serialVersionUID = 1;

        Interrupted(InterruptedException cause) {
            super("interrupted while a check runs", cause);
        }
    }

    /** A check that did not end. The stack trace is where it was. */
    static final class CheckHangs extends RuntimeException {
        private static final long serialVersionUID = 1;

        CheckHangs(Duration limit) {
            super("the check did not end within %d ms".formatted(limit.toMillis()));
        }
    }
}
