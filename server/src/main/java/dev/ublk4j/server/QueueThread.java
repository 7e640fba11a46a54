package dev.ublk4j.server;

import dev.ublk4j.driver.spi.CharDevice;
import dev.ublk4j.driver.spi.QueueRing;
import dev.ublk4j.linux.Deadline;
import dev.ublk4j.server.spi.QueueGuest;
import dev.ublk4j.uapi.DeviceInfo;
import dev.ublk4j.uring.RingOptions;
import java.lang.System.Logger.Level;
import java.lang.foreign.Arena;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The life of one queue, or of what a thread serves of all queues, on that thread: set up, serve
 * until the driver has taken back every tag, take down.
 *
 * <p>A tag that is out with the target is not taken back, so nothing is closed under a request.
 */
final class QueueThread {
    private static final System.Logger LOG = System.getLogger(QueueThread.class.getName());

    /** How often it is asked whether a request has been answered. */
    private static final Duration PAUSE = Duration.ofMillis(1);

    /** Submissions per tag: an answer, and two of the target's own. */
    private static final int ENTRIES_PER_TAG = 3;

    private static final int MAX_ENTRIES = 16_384;

    private final CharDevice charDevice;
    private final DeviceInfo info;
    private final ServedTags tags;
    private final Target target;
    private final QueueGuest guest;
    private final int blockSize;
    private final BufferTable table;
    private final Departure departure;
    private final Placement placement;
    private final QueueCounters counters = new QueueCounters();
    private final Consumer<QueueThread> onExit;
    private final CompletableFuture<Void> fetched = new CompletableFuture<>();
    private final Thread thread;

    private volatile boolean failed;

    /** Whether the kernel may still touch the data of requests; then it stays for good. */
    private boolean ioLeft;

    private volatile @Nullable Queue served;

    /**
     * Creates a thread that has not been started.
     *
     * @param blockSize the device's, in bytes
     * @param onExit called last, on the thread
     */
    QueueThread(
            CharDevice charDevice,
            DeviceInfo info,
            ServedTags tags,
            Target target,
            QueueGuest guest,
            int blockSize,
            BufferTable table,
            Departure departure,
            Placement placement,
            Consumer<QueueThread> onExit) {
        this.charDevice = charDevice;
        this.info = info;
        this.tags = tags;
        this.target = target;
        this.guest = guest;
        this.blockSize = blockSize;
        this.table = table;
        this.departure = departure;
        this.placement = placement;
        this.onExit = onExit;
        this.thread =
                Thread.ofPlatform()
                        .name(
                                "ublk%d-%s%d"
                                        .formatted(
                                                info.deviceId(),
                                                tags.isOneQueue() ? "q" : "t",
                                                tags.thread()))
                        .unstarted(this::run);
    }

    /**
     * Starts the thread; the answer completes when every tag is with the driver, or with why not.
     */
    CompletableFuture<Void> start() {
        try {
            thread.start();
        } catch (OutOfMemoryError e) {
            // There may be as many threads as there can be.
            failed = true;
            fetched.completeExceptionally(e);
            leaveCommon();
            onExit.accept(this);
        }
        return fetched;
    }

    /** Starts threads; returns when every tag of every queue is with the driver. */
    static void startAll(List<QueueThread> threads) {
        try {
            CompletableFuture<?>[] fetched =
                    threads.stream().map(QueueThread::start).toArray(CompletableFuture[]::new);
            CompletableFuture.allOf(fetched).join();
        } catch (CompletionException e) {
            if (e.getCause() instanceof RuntimeException cause) {
                throw cause;
            }
            if (e.getCause() instanceof Error cause) {
                throw cause;
            }
            throw e;
        }
    }

    /**
     * Refuses a call that waits for the requests of threads, where one of them makes it, or the
     * handler of such a request: it would wait for what only it can do, and the kernel's driver
     * would let it.
     */
    static void requireOther(List<QueueThread> threads) {
        for (QueueThread queue : threads) {
            if (queue.thread == Thread.currentThread() || CurrentRequest.isOutOn(queue.served)) {
                throw new IllegalStateException(
                        queue + " would deadlock: it would wait for itself");
            }
        }
    }

    /**
     * {@return whether the requests that threads have out now are all answered within a time} Those
     * that come meanwhile do not count.
     */
    static boolean awaitAnswers(List<QueueThread> threads, Duration patience) {
        List<BooleanSupplier> owing = threads.stream().map(QueueThread::owing).toList();
        return Deadline.in(patience)
                .poll(PAUSE, () -> owing.stream().noneMatch(BooleanSupplier::getAsBoolean));
    }

    private BooleanSupplier owing() {
        Queue queue = served;
        if (queue == null) {
            return () -> false;
        }
        long[] ids = queue.tags().carried();
        return () -> queue.tags().carriesAny(ids);
    }

    /** {@return whether {@link #start} has been called} */
    boolean isStarted() {
        return thread.getState() != Thread.State.NEW;
    }

    /** {@return whether the thread ended for another reason than that the device stops} */
    boolean failed() {
        return failed;
    }

    /** {@return what the queue has done} */
    QueueCounters counters() {
        return counters;
    }

    /** Makes the thread look at the table of shared buffers. */
    void ring() {
        Queue queue = served;
        if (queue != null) {
            queue.doorbell().ring();
        }
    }

    /** {@return whether the thread holds no shared buffer that was removed up to an epoch} */
    boolean hasSeen(long epoch) {
        Queue queue = served;
        return queue == null || queue.sharedData().seenEpoch() >= epoch;
    }

    private void run() {
        try {
            serve();
        } catch (Throwable e) {
            failed = true;
            if (!fetched.completeExceptionally(e)) {
                LOG.log(Level.ERROR, thread.getName() + " failed, its device stops", e);
            }
        } finally {
            Queue queue = served;
            if (queue != null && !ioLeft) {
                queue.sharedData().closed();
            }
            leaveCommon();
            onExit.accept(this);
        }
    }

    /** Other threads may still use what they have in common with this one. */
    private void leaveCommon() {
        CommonQueue common = tags.common();
        if (common != null) {
            common.leave(ioLeft);
        }
    }

    private void serve() {
        placement.place(tags);
        Arena data = Arena.ofShared();
        try {
            serve(data);
        } finally {
            if (!ioLeft) {
                data.close();
            }
        }
    }

    /**
     * Opens the ring, serves, and closes it.
     *
     * @param data holds what is read and written for requests; outlives the ring
     */
    private void serve(Arena data) {
        try (Arena arena = Arena.ofShared();
                QueueRing ring = charDevice.openRing(ringOptions(tags.count()))) {
            Descriptors descriptors = Descriptors.map(charDevice, info, tags, arena);
            Queue queue =
                    new Queue(
                            info,
                            tags,
                            charDevice,
                            ring,
                            arena,
                            data,
                            table,
                            counters,
                            blockSize,
                            target.geometry().integrity(),
                            departure);
            served = queue;
            try {
                serve(queue, ring, descriptors);
            } finally {
                ioLeft |= queue.keepsMemory();
                queue.doorbell().close();
                queue.ioCommands().close();
            }
        }
    }

    private void serve(Queue queue, QueueRing ring, Descriptors descriptors) {
        try (TargetQueue opened = target.open(queue)) {
            Dispatcher dispatcher =
                    new Dispatcher(
                            queue, opened, guest, descriptors, table, counters, departure, zones());
            // Made before there is I/O to end: a class that cannot be loaded then ends none.
            LeftoverIo leftover = new LeftoverIo(queue, ring, guest);
            guest.started(new GuestHost(queue, guest));
            ioLeft = true;
            try {
                fetch(queue, ring, dispatcher);
                fetched.complete(null);
                loop(queue, opened, ring, dispatcher);
            } finally {
                ioLeft = !leftover.end();
                queue.doorbell().close();
                guest.stopped();
            }
        }
    }

    /** {@return what tells the driver of zones, or null for a device without} */
    private @Nullable ZoneReport zones() {
        Geometry geometry = target.geometry();
        ZoneLimits limits = geometry.zones();
        Zoned zoned = target.ability(Zoned.class);
        return limits == null || zoned == null
                ? null
                : new ZoneReport(zoned, geometry.size(), limits.zoneSize());
    }

    /** Gives the tags to the driver; where threads have some in common, one of them does. */
    private void fetch(Queue queue, QueueRing ring, Dispatcher dispatcher) {
        CommonQueue common = tags.common();
        if (common == null || common.isPreparer()) {
            queue.ioCommands().prepareAll();
        } else {
            common.awaitPrepared();
        }
        queue.ioCommands().fetchAll();
        ring.run(false, dispatcher);
        if (common != null) {
            common.prepared();
        }
    }

    /**
     * One wait covers everything: each turn sends the answers and the backend I/O that were
     * prepared and takes in requests, completions of backend I/O and answers from other threads.
     *
     * <p>Tags that were out when the driver took the others back are never taken back themselves.
     * They end here: when no answer is owed, and a turn that sends the last ones brings nothing
     * new.
     */
    private void loop(Queue queue, TargetQueue opened, QueueRing ring, Dispatcher dispatcher) {
        TagTable tags = queue.tags();
        boolean goOn = false;
        boolean finished = false;
        boolean over = false;
        while (!over) {
            queue.commitEnded();
            boolean leaving = tags.out() == 0 && (departure.hasBegun() || tags.alive() == 0);
            if (leaving && !finished) {
                finished = true;
                opened.finish();
                queue.commitEnded();
                leaving = tags.out() == 0;
            }
            if (tags.alive() == 0 && leaving) {
                return;
            }
            queue.ioCommands().flush();
            boolean busy = ring.run(!leaving && !goOn, dispatcher) != 0;
            over = leaving && !busy;
            busy |= queue.catchUp();
            busy |= dispatcher.catchUp();
            goOn = guest.turn(busy);
        }
    }

    private static RingOptions ringOptions(int depth) {
        int entries = Math.min(MAX_ENTRIES, depth * ENTRIES_PER_TAG + 1);
        return RingOptions.defaults().withEntries(entries);
    }

    @Override
    public String toString() {
        return thread.getName();
    }
}
