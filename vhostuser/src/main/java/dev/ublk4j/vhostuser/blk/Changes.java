package dev.ublk4j.vhostuser.blk;

import java.util.ArrayDeque;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** What other threads want changed on a queue's thread, in the order in which they wanted it. */
final class Changes {
    private final BlkQueue queue;

    // Of the queue's thread.
    private final ArrayDeque<Change<?>> waiting = new ArrayDeque<>();
    private boolean held;

    Changes(BlkQueue queue) {
        this.queue = queue;
    }

    /**
     * One change.
     *
     * @param action done on the queue's thread
     * @param whenNothingIsOut whether it has to wait for all requests to be answered
     * @param done completes with what the action answers
     */
    private record Change<T extends @Nullable Object>(
            Supplier<T> action, boolean whenNothingIsOut, CompletableFuture<T> done) {
        void run() {
            try {
                done.complete(action.get());
            } catch (Throwable e) {
                done.completeExceptionally(e);
            }
        }
    }

    /** Has something done as soon as possible; from any thread. */
    CompletableFuture<@Nullable Void> soon(Runnable action) {
        return add(
                new Change<@Nullable Void>(
                        () -> {
                            action.run();
                            return null;
                        },
                        false,
                        new CompletableFuture<>()));
    }

    /** Has something done when no request is out; none is begun until then. From any thread. */
    <T> CompletableFuture<T> whenNothingIsOut(Supplier<T> action) {
        return add(new Change<>(action, true, new CompletableFuture<>()));
    }

    private <T extends @Nullable Object> CompletableFuture<T> add(Change<T> change) {
        if (!queue.execute(() -> waiting.addLast(change))) {
            change.done().completeExceptionally(new IllegalStateException("the queue has ended"));
        }
        return change.done();
    }

    /**
     * Does what can be done; on the queue's thread.
     *
     * @param outside how many requests are out
     * @return whether anything was done
     */
    boolean apply(int outside) {
        boolean any = false;
        held = false;
        for (Change<?> next = waiting.peek(); next != null; next = waiting.peek()) {
            if (next.whenNothingIsOut() && outside > 0) {
                held = true;
                break;
            }
            waiting.removeFirst();
            next.run();
            any = true;
        }
        return any;
    }

    /** {@return whether a change waits for requests to be answered} */
    boolean isHeld() {
        return held;
    }
}
