package dev.ublk4j.rbd;

import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Calls of librbd that may take for ever, on threads that may.
 *
 * <p>Nothing ends such a call. Who loses patience goes on without it; what it comes to later is
 * taken care of then.
 */
final class Patience {
    private static final System.Logger LOG = System.getLogger(Patience.class.getName());

    private Patience() {}

    /**
     * Does something that may not return.
     *
     * @param undo given the result when it comes after the time, on that thread
     * @return the result
     * @throws TimeoutException when there is none in time
     */
    static <T> T within(Duration time, String name, Callable<T> call, Consumer<T> undo)
            throws TimeoutException {
        CompletableFuture<T> result = new CompletableFuture<>();
        Thread _ =
                Thread.ofPlatform()
                        .daemon()
                        .name("rbd-" + name)
                        .start(() -> run(name, call, result, undo));
        boolean interrupted = false;
        long end = System.nanoTime() + time.toNanos();
        try {
            while (true) {
                try {
                    return result.get(end - System.nanoTime(), TimeUnit.NANOSECONDS);
                } catch (InterruptedException e) {
                    interrupted = true;
                } catch (TimeoutException e) {
                    // Whoever completes it has the result: this, or the thread.
                    if (result.completeExceptionally(e)) {
                        throw e;
                    }
                } catch (ExecutionException e) {
                    throw thrown(e.getCause());
                }
            }
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    private static <T> void run(
            String name, Callable<T> call, CompletableFuture<T> result, Consumer<T> undo) {
        T done;
        try {
            done = call.call();
        } catch (Throwable e) {
            if (!result.completeExceptionally(e)) {
                LOG.log(Level.DEBUG, () -> name + " has failed, late", e);
            }
            return;
        }
        if (!result.complete(done)) {
            try {
                undo.accept(done);
            } catch (Throwable e) {
                LOG.log(
                        Level.WARNING,
                        () -> name + " has succeeded late, and could not be undone",
                        e);
            }
        }
    }

    private static RuntimeException thrown(@Nullable Throwable cause) {
        return switch (cause) {
            case RuntimeException e -> e;
            case Error e -> throw e;
            case null, default -> new IllegalStateException(cause);
        };
    }
}
