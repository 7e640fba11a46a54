package dev.ublk4j.rbd;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.System.Logger.Level;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandles;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;

/**
 * Hears of it when others resize an image. librbd calls whenever anything about the image has
 * changed; a thread of its own then looks at the size, because a call-back must not ask librbd.
 */
final class SizeWatch {
    private static final System.Logger LOG = System.getLogger(SizeWatch.class.getName());

    /** {@code void (*rbd_update_callback_t)(void *arg)}. */
    private static final long CALLBACK =
            NativeFunction.upcall(
                    MethodHandles.lookup(), "updated", FunctionDescriptor.ofVoid(JAVA_LONG));

    private static final long PAUSE_NANOS = 1_000_000_000;

    private static final AtomicLong NEXT = new AtomicLong();
    private static final Map<Long, SizeWatch> ALL = new ConcurrentHashMap<>();

    private final RbdImage image;
    private final long number = NEXT.incrementAndGet();
    private final Thread thread;
    private final long watch;
    private long known;
    private volatile @Nullable LongConsumer listener;
    private volatile boolean updated;
    private volatile boolean ended;

    /**
     * Begins to watch.
     *
     * @param size what the size is taken for
     */
    SizeWatch(RbdImage image, long size) {
        this.image = image;
        this.known = size;
        this.thread =
                Thread.ofPlatform().daemon().name("rbd-size " + image.name()).unstarted(this::run);
        ALL.put(number, this);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment handle = arena.allocate(JAVA_LONG);
            long answer =
                    Librbd.UPDATE_WATCH.call(image.handle(), handle.address(), CALLBACK, number);
            if (answer < 0) {
                ALL.remove(number);
                throw CephException.of("rbd_update_watch", image.name().toString(), answer);
            }
            watch = handle.get(JAVA_LONG, 0);
        }
        thread.start();
    }

    /** Called by librbd, on a thread of its own. */
    static void updated(long argument) {
        try {
            SizeWatch watch = ALL.get(argument);
            if (watch != null) {
                watch.look();
            }
        } catch (Throwable _) {
            // Nothing may leave this thread: that would end the process.
        }
    }

    /** Has somebody told of each new size, and now where it is another already. */
    void tell(LongConsumer newListener) {
        listener = newListener;
        look();
    }

    private void look() {
        updated = true;
        LockSupport.unpark(thread);
    }

    private void run() {
        while (!ended) {
            LongConsumer told = listener;
            if (!updated || told == null) {
                LockSupport.park(this);
                continue;
            }
            updated = false;
            try {
                long size = RbdTarget.usable(image.size());
                if (size != known && size > 0) {
                    told.accept(size);
                    known = size;
                }
            } catch (RuntimeException e) {
                complain(e);
            } catch (Throwable e) {
                // Of the machine, not of the image: the size is looked at again.
                complain(e);
                updated = true;
                LockSupport.parkNanos(this, PAUSE_NANOS);
            }
        }
    }

    private void complain(Throwable e) {
        try {
            LOG.log(
                    Level.WARNING,
                    () ->
                            "the size of %s is not known: %s"
                                    .formatted(image.name(), e.getMessage()));
        } catch (Throwable _) {
            // The watch goes on without a word.
        }
    }

    /** Ends it; may take for ever. The listener is told no more when this has returned. */
    void end() {
        ended = true;
        LockSupport.unpark(thread);
        long _ = Librbd.UPDATE_UNWATCH.call(image.handle(), watch);
        ALL.remove(number);
        boolean interrupted = false;
        while (thread.isAlive()) {
            try {
                thread.join();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
