package dev.ublk4j.conformance.device;

import dev.ublk4j.conformance.lane.Pause;
import dev.ublk4j.driver.spi.CharDevice;
import dev.ublk4j.driver.spi.QueueRing;
import dev.ublk4j.driver.spi.TagBuffers;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.Mapping;
import dev.ublk4j.uapi.DeviceInfo;
import dev.ublk4j.uapi.Feature;
import dev.ublk4j.uapi.IoOp;
import dev.ublk4j.uapi.wire.BatchIoLayout;
import dev.ublk4j.uapi.wire.BufferOffset;
import dev.ublk4j.uapi.wire.ElemHeaderLayout;
import dev.ublk4j.uapi.wire.IoCommand;
import dev.ublk4j.uapi.wire.IoDescLayout;
import dev.ublk4j.uapi.wire.IoResult;
import dev.ublk4j.uring.CompletionHandler;
import dev.ublk4j.uring.IoUring;
import dev.ublk4j.uring.RingOptions;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntFunction;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * A thread that serves one queue the way a test wants it.
 *
 * <p>Everything the ring is asked goes through the thread, so tests may call any method from
 * theirs.
 */
public final class QueueLoop implements AutoCloseable, CompletionHandler {
    private static final int PAGE = 4096;
    private static final int PATIENCE_SECONDS = 240;
    private static final int ENTRIES = 256;

    /** Fewer than a deep queue can use at a time, so that the driver finds none now and then. */
    private static final int TAG_BUFFERS = 2;

    private static final int TAGS = 4;

    /** User data above this are those of {@link #send}. */
    private static final long FIRST_RAW = 1L << 32;

    /** User data of the commands for many tags: each fetch and each commit has the same. */
    private static final long FETCH_MANY = 1L << 30;

    private static final long COMMIT_MANY = FETCH_MANY + 1;

    private static final int HAS_SECTOR = BatchIoLayout.UBLK_BATCH_F_HAS_ZONE_LBA;
    private static final int APPENDED = ElemHeaderLayout.elementBytes(HAS_SECTOR);

    private static final MemorySegment NOTHING = MemorySegment.ofArray(new byte[0]);

    private final CharDevice device;
    private final DeviceInfo info;
    private final int queue;
    private final Handler handler;
    private final IntFunction<@Nullable MemorySegment> registered;
    private final ConcurrentLinkedQueue<Runnable> tasks = new ConcurrentLinkedQueue<>();
    private final Map<Long, CompletableFuture<Integer>> raw = new HashMap<>();
    private final List<Seen> seen = new CopyOnWriteArrayList<>();
    private final List<Integer> refused = new CopyOnWriteArrayList<>();
    private final List<Throwable> failures = new CopyOnWriteArrayList<>();
    private final CompletableFuture<Void> started = new CompletableFuture<>();
    private final Object ringLock = new Object();
    private final Thread thread;
    private @Nullable QueueRing ring;
    private MemorySegment descriptors = NOTHING;
    private MemorySegment buffers = NOTHING;

    /** By tag, the element that a command for many tags has for it. */
    private MemorySegment elements = NOTHING;

    /** The same for a zone append, which has a sector behind it. */
    private MemorySegment appended = NOTHING;

    private @Nullable TagBuffers tagBuffers;
    private long nextRaw = FIRST_RAW;
    private final AtomicInteger fetched = new AtomicInteger();
    private final AtomicInteger aborted = new AtomicInteger();
    private volatile boolean stopping;

    /**
     * Starts the thread, which opens a ring and maps the descriptors and does nothing else yet.
     *
     * @param registered finds a registered buffer by its index
     */
    public QueueLoop(
            CharDevice device,
            DeviceInfo info,
            int queue,
            Handler handler,
            IntFunction<@Nullable MemorySegment> registered) {
        this.device = device;
        this.info = info;
        this.queue = queue;
        this.handler = handler;
        this.registered = registered;
        this.thread =
                Thread.ofPlatform()
                        .daemon()
                        .name("server of ublk%d-q%d".formatted(info.deviceId(), queue))
                        .start(this::serve);
        get(started);
    }

    private void serve() {
        try (Arena arena = Arena.ofShared();
                QueueRing opened = device.openRing(RingOptions.defaults().withEntries(ENTRIES))) {
            descriptors =
                    device.map(
                            BufferOffset.descriptors(queue, info.descriptorStride(), PAGE),
                            BufferOffset.descriptorBytes(
                                    info.queueDepth(), info.descriptorStride(), PAGE),
                            arena);
            buffers =
                    Mapping.anonymous(
                            Math.max(PAGE, (long) info.queueDepth() * info.maxIoBufBytes()),
                            Mapping.MAP_PRIVATE | Mapping.MAP_NORESERVE,
                            arena);
            elements = arena.allocate((long) info.queueDepth() * elementBytes(), Long.BYTES);
            appended = arena.allocate((long) info.queueDepth() * APPENDED, Long.BYTES);
            tagBuffers = isBatch() ? opened.openTagBuffers(TAG_BUFFERS, TAGS) : null;
            synchronized (ringLock) {
                ring = opened;
            }
            started.complete(null);
            while (!stopping) {
                opened.run(true, this);
                runTasks();
            }
        } catch (RuntimeException | Error e) {
            if (!started.completeExceptionally(e)) {
                throw e;
            }
        } finally {
            synchronized (ringLock) {
                ring = null;
            }
            if (tagBuffers != null) {
                tagBuffers.close();
            }
        }
    }

    private boolean has(Feature feature) {
        return feature.in(info.flags());
    }

    private boolean isBatch() {
        return has(Feature.BATCH_IO);
    }

    /** {@return {@code ublk_batch_io.flags} of a sane command for many tags} */
    public int batchFlags() {
        return has(Feature.USER_COPY) ? 0 : BatchIoLayout.UBLK_BATCH_F_HAS_BUF_ADDR;
    }

    private int elementBytes() {
        return ElemHeaderLayout.elementBytes(batchFlags());
    }

    /** {@return the address of a tag's element; those of all tags stand one behind the other} */
    public long element(int tag, int result) {
        return element(tag, tag, result);
    }

    /** {@return the address of the element in a tag's place, of whichever tag} */
    public long element(int place, int tag, int result) {
        long at = (long) place * elementBytes();
        ElemHeaderLayout.tag(elements, at, tag);
        ElemHeaderLayout.bufIndex(elements, at, 0);
        ElemHeaderLayout.result(elements, at, result);
        if (batchFlags() != 0) {
            elements.set(ValueLayout.JAVA_LONG, at + ElemHeaderLayout.SIZE, address(place));
        }
        return elements.address() + at;
    }

    private void runTasks() {
        Runnable task = tasks.poll();
        while (task != null) {
            task.run();
            task = tasks.poll();
        }
    }

    private QueueRing ring() {
        QueueRing open = ring;
        if (open == null) {
            throw new IllegalStateException("closed");
        }
        return open;
    }

    /** Runs something on the thread, before its next wait. */
    private void post(Runnable task) {
        tasks.add(task);
        wake();
    }

    private void wake() {
        synchronized (ringLock) {
            if (ring != null) {
                ring.wake();
            }
        }
    }

    /** Sends FETCH for every tag; they count as sent when this returns. */
    public void fetchAll() {
        FutureTask<Boolean> sent =
                new FutureTask<>(
                        () -> {
                            if (isBatch()) {
                                fetchMany();
                            } else {
                                for (int tag = 0; tag < info.queueDepth(); tag++) {
                                    command(IoCommand.UBLK_U_IO_FETCH_REQ, tag, 0);
                                }
                            }
                            fetched.addAndGet(info.queueDepth());
                        },
                        true);
        post(sent);
        get(sent);
    }

    private void fetchMany() {
        for (int tag = 0; tag < info.queueDepth(); tag++) {
            element(tag, 0);
        }
        int prepare = IoCommand.UBLK_U_IO_PREP_IO_CMDS;
        ring().batch(
                        prepare,
                        queue,
                        batchFlags(),
                        info.queueDepth(),
                        elements.address(),
                        COMMIT_MANY);
        ring().fetchBatch(queue, buffersOfTags(), FETCH_MANY);
    }

    /** Sends a fetch of many tags, which another thread has prepared. */
    public void startFetching() {
        post(() -> ring().fetchBatch(queue, buffersOfTags(), FETCH_MANY));
    }

    private TagBuffers buffersOfTags() {
        return Objects.requireNonNull(tagBuffers);
    }

    /** {@return the answer of a command for many tags} */
    public int callMany(int op, int toQueue, int flags, int count, long address) {
        CompletableFuture<Integer> answer = new CompletableFuture<>();
        post(() -> {
            long userData = nextRaw++;
            raw.put(userData, answer);
            ring().batch(op, toQueue, flags, count, address, userData);
        });
        return get(answer);
    }

    /** {@return the last answer of a fetch of many tags, which is to bring none} */
    public CompletableFuture<Integer> sendFetchMany(int toQueue) {
        CompletableFuture<Integer> answer = new CompletableFuture<>();
        post(() -> {
            long userData = nextRaw++;
            raw.put(userData, answer);
            ring().fetchBatch(toQueue, buffersOfTags(), userData);
        });
        return answer;
    }

    /** Fetches one tag like {@link #fetchAll}. */
    public void fetch(int tag) {
        post(() -> {
            fetched.incrementAndGet();
            command(IoCommand.UBLK_U_IO_FETCH_REQ, tag, 0);
        });
    }

    /** Answers a request that was held. */
    public void answer(Seen request, int result) {
        post(() -> commit(request.tag(), result));
    }

    private void commit(int tag, int result) {
        giveData(tag, result);
        if (isBatch()) {
            int op = IoCommand.UBLK_U_IO_COMMIT_IO_CMDS;
            ring().batch(op, queue, batchFlags(), 1, element(tag, result), COMMIT_MANY);
            return;
        }
        command(IoCommand.UBLK_U_IO_COMMIT_AND_FETCH_REQ, tag, result);
    }

    /** Answers a zone append of a device that takes no addresses of buffers. */
    private void commitAppend(int tag, int result, long sector) {
        if (isBatch()) {
            long at = (long) tag * APPENDED;
            ElemHeaderLayout.tag(appended, at, tag);
            ElemHeaderLayout.result(appended, at, result);
            appended.set(
                    ValueLayout.JAVA_LONG, at + ElemHeaderLayout.zoneLbaOffset(HAS_SECTOR), sector);
            int op = IoCommand.UBLK_U_IO_COMMIT_IO_CMDS;
            ring().batch(op, queue, HAS_SECTOR, 1, appended.address() + at, COMMIT_MANY);
            return;
        }
        int op = IoCommand.UBLK_U_IO_COMMIT_AND_FETCH_REQ;
        ring().command(op, queue, tag, result, sector, tag);
    }

    private void command(int op, int tag, int result) {
        ring().command(op, queue, tag, result, address(tag), tag);
    }

    /** Copies what has been read, where the server does that. */
    private void giveData(int tag, int result) {
        Seen request = Seen.read(descriptors, (long) tag * info.descriptorStride(), queue, tag);
        boolean isReport = request.op() == IoOp.UBLK_IO_OP_REPORT_ZONES;
        if (result > 0 && (isReport || isCopiedHere(request, IoOp.UBLK_IO_OP_READ))) {
            long bytes = isReport ? result : Math.min(result, request.bytes());
            device.pwrite(buffer(tag).asSlice(0, bytes), BufferOffset.of(queue, tag, 0));
        }
    }

    /** Copies what is to be written, where the server does that. */
    private void takeData(Seen request) {
        if (isCopiedHere(request, IoOp.UBLK_IO_OP_WRITE)
                || isCopiedHere(request, IoOp.UBLK_IO_OP_ZONE_APPEND)) {
            device.pread(
                    buffer(request.tag()).asSlice(0, request.bytes()),
                    BufferOffset.of(queue, request.tag(), 0));
        }
    }

    private boolean isCopiedHere(Seen request, int op) {
        return has(Feature.USER_COPY) && request.op() == op && !request.isShared();
    }

    /** {@return the address of a tag's buffer, 0 where the device takes none} */
    public long address(int tag) {
        return has(Feature.USER_COPY) ? 0 : buffers.address() + (long) tag * info.maxIoBufBytes();
    }

    /** {@return a tag's buffer} */
    public MemorySegment buffer(int tag) {
        return buffers.asSlice((long) tag * info.maxIoBufBytes(), info.maxIoBufBytes());
    }

    /** {@return what any io command is answered, once it is} */
    public CompletableFuture<Integer> send(int op, int toQueue, int tag, int result, long address) {
        CompletableFuture<Integer> answer = new CompletableFuture<>();
        post(() -> {
            long userData = nextRaw++;
            raw.put(userData, answer);
            ring().command(op, toQueue, tag, result, address, userData);
        });
        return answer;
    }

    /** {@return the answer of any io command} */
    public int call(int op, int toQueue, int tag, int result, long address) {
        return get(send(op, toQueue, tag, result, address));
    }

    /** {@return what something answers that runs on the thread} */
    public long onThread(LongSupplier action) {
        FutureTask<Long> task = new FutureTask<>(action::getAsLong);
        post(task);
        return get(task);
    }

    @Override
    public void onCompletion(long userData, int result, int flags) {
        CompletableFuture<Integer> waiting = raw.remove(userData);
        if (waiting != null) {
            waiting.complete(result);
        } else if (userData == FETCH_MANY) {
            deliverMany(result, flags);
        } else if (userData == COMMIT_MANY) {
            if (result < 0) {
                refused.add(result);
            }
        } else if (result == IoResult.UBLK_IO_RES_NEED_GET_DATA) {
            giveBuffer((int) userData);
        } else if (result == IoResult.UBLK_IO_RES_OK) {
            deliver((int) userData);
        } else if (result == IoResult.UBLK_IO_RES_ABORT) {
            aborted.incrementAndGet();
        } else {
            refused.add(result);
        }
    }

    private void deliverMany(int result, int flags) {
        if ((flags & IoUring.IORING_CQE_F_BUFFER) != 0) {
            int filled = flags >>> IoUring.IORING_CQE_BUFFER_SHIFT;
            for (int i = 0; i < result / Short.BYTES; i++) {
                deliver(buffersOfTags().tag(filled, i));
            }
            buffersOfTags().giveBack(filled);
        }
        if ((flags & IoUring.IORING_CQE_F_MORE) != 0) {
            return;
        }
        if (result == IoResult.UBLK_IO_RES_ABORT) {
            aborted.set(fetched.get());
        } else {
            ring().fetchBatch(queue, buffersOfTags(), FETCH_MANY);
        }
    }

    /** Names the buffer of a write. One whose data is in shared memory keeps its address. */
    private void giveBuffer(int tag) {
        long base = (long) tag * info.descriptorStride();
        boolean isShared = Seen.read(descriptors, base, queue, tag).isShared();
        long address = isShared ? IoDescLayout.addr(descriptors, base) : address(tag);
        ring().command(IoCommand.UBLK_U_IO_NEED_GET_DATA, queue, tag, 0, address, tag);
    }

    private void deliver(int tag) {
        long base = (long) tag * info.descriptorStride();
        Seen request = Seen.read(descriptors, base, queue, tag);
        takeData(request);
        int answer = handle(request);
        seen.add(request);
        if (answer > 0 && request.op() == IoOp.UBLK_IO_OP_ZONE_APPEND) {
            commitAppend(tag, answer, handler.appendedAt(request));
        } else if (answer != Handler.HOLD) {
            commit(tag, answer);
        }
    }

    /** A handler that fails must not leave a request unanswered: the test would hang. */
    private int handle(Seen request) {
        try {
            return handler.handle(request, data(request));
        } catch (RuntimeException | Error e) {
            failures.add(e);
            return Errno.EIO.negated();
        }
    }

    private MemorySegment data(Seen request) {
        if (request.op() == IoOp.UBLK_IO_OP_REPORT_ZONES) {
            return buffer(request.tag());
        }
        if (request.op() != IoOp.UBLK_IO_OP_READ
                && request.op() != IoOp.UBLK_IO_OP_WRITE
                && request.op() != IoOp.UBLK_IO_OP_ZONE_APPEND) {
            return NOTHING;
        }
        if (!request.isShared()) {
            return buffer(request.tag()).asSlice(0, request.bytes());
        }
        MemorySegment shared = registered.apply(request.bufferIndex());
        if (shared == null) {
            throw new AssertionError("not registered: " + request);
        }
        return shared.asSlice(request.bufferOffset(), request.bytes());
    }

    /** {@return the requests so far} */
    public List<Seen> seen() {
        return new ArrayList<>(seen);
    }

    /** {@return the requests, once there are so many} */
    public List<Seen> awaitSeen(int count) {
        Pause.until(count + " requests on queue " + queue, () -> seen.size() >= count);
        return seen();
    }

    /** Forgets the requests so far. */
    public void forget() {
        seen.clear();
    }

    /** {@return answers of fetches and commits that were neither a request nor an abort} */
    public List<Integer> refused() {
        return new ArrayList<>(refused);
    }

    /** {@return how many tags the driver has taken back} */
    public int aborted() {
        return aborted.get();
    }

    /** Waits until the driver has taken every tag back. */
    public void awaitAborted() {
        Pause.until("every tag taken back", () -> aborted.get() == fetched.get());
    }

    private static <T> T get(Future<T> future) {
        try {
            return future.get(PATIENCE_SECONDS, TimeUnit.SECONDS);
        } catch (ExecutionException e) {
            throw new AssertionError("the queue's thread failed", e.getCause());
        } catch (TimeoutException e) {
            throw new AssertionError("no answer", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError("interrupted", e);
        }
    }

    /**
     * Ends the thread and closes its ring, whatever is outstanding.
     *
     * @throws AssertionError when a handler has failed
     */
    @Override
    public void close() {
        stopping = true;
        wake();
        try {
            thread.join(TimeUnit.SECONDS.toMillis(PATIENCE_SECONDS));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError("interrupted", e);
        }
        if (!failures.isEmpty()) {
            throw new AssertionError("a handler failed", failures.getFirst());
        }
    }
}
