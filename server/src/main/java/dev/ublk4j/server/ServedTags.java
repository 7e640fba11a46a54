package dev.ublk4j.server;

import dev.ublk4j.uapi.DeviceInfo;
import dev.ublk4j.uapi.wire.BufferOffset;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The tags that one thread serves, numbered from 0 on. All of the server but its commands and
 * descriptors knows a tag by this number; where the thread serves one whole queue, it is that of
 * the driver.
 *
 * <p>Never changes, apart from what the threads of a {@link CommonQueue} have in common.
 */
final class ServedTags {
    private final int thread;
    private final boolean isOneQueue;

    /** The queues that the thread serves tags of, ascending. */
    private final int[] queues;

    /** By the number of a tag: which of these queues it is of, and its number there. */
    private final int[] queueOfTag;

    private final int[] tagInQueue;
    private final @Nullable CommonQueue common;

    private ServedTags(
            int thread,
            boolean isOneQueue,
            int[] queues,
            int[] queueOfTag,
            int[] tagInQueue,
            @Nullable CommonQueue common) {
        this.thread = thread;
        this.isOneQueue = isOneQueue;
        this.queues = queues;
        this.queueOfTag = queueOfTag;
        this.tagInQueue = tagInQueue;
        this.common = common;
    }

    /**
     * {@return what each thread of a device serves}
     *
     * @param asked how many threads there are to be, null for one for each queue
     * @throws IllegalArgumentException when a thread would have to serve too much
     */
    static List<ServedTags> of(DeviceInfo info, @Nullable ServerThreads asked) {
        int tags = info.queues() * info.queueDepth();
        int count = asked == null ? info.queues() : Math.min(asked.count(), tags);
        if (count < 1) {
            throw new IllegalArgumentException("threads are not 1 or more: " + count);
        }
        boolean batch = Mode.of(info.flags()).batch();
        List<ServedTags> all =
                asked == null
                        ? perQueue(info)
                        : batch ? inBatches(info, count) : dealtOut(info, count);
        for (ServedTags some : all) {
            if (some.count() > BufferOffset.UBLK_MAX_QUEUE_DEPTH) {
                throw new IllegalArgumentException(
                        "a thread serves no more than %d requests at a time; with %d there would be %d, use more threads"
                                .formatted(BufferOffset.UBLK_MAX_QUEUE_DEPTH, count, some.count()));
            }
        }
        return all;
    }

    private static List<ServedTags> perQueue(DeviceInfo info) {
        List<ServedTags> all = new ArrayList<>();
        for (int queue = 0; queue < info.queues(); queue++) {
            all.add(whole(queue, true, new int[] {queue}, info.queueDepth(), null));
        }
        return all;
    }

    /** Each takes every so-manieth of all tags: load on one queue is load for all threads. */
    private static List<ServedTags> dealtOut(DeviceInfo info, int count) {
        int depth = info.queueDepth();
        int tags = info.queues() * depth;
        List<ServedTags> all = new ArrayList<>();
        for (int thread = 0; thread < count; thread++) {
            int own = (tags - thread + count - 1) / count;
            int[] numbers = new int[own];
            int[] queueOfTag = new int[own];
            int[] tagInQueue = new int[own];
            for (int i = 0; i < own; i++) {
                int number = thread + i * count;
                numbers[i] = number / depth;
                tagInQueue[i] = number % depth;
            }
            int[] queues = Arrays.stream(numbers).distinct().toArray();
            for (int i = 0; i < own; i++) {
                queueOfTag[i] = Arrays.binarySearch(queues, numbers[i]);
            }
            all.add(new ServedTags(thread, false, queues, queueOfTag, tagInQueue, null));
        }
        return all;
    }

    /** Some queues for each thread, or some threads for each queue. */
    private static List<ServedTags> inBatches(DeviceInfo info, int count) {
        int queues = info.queues();
        int depth = info.queueDepth();
        List<ServedTags> all = new ArrayList<>();
        @Nullable CommonQueue[] common = new @Nullable CommonQueue[queues];
        for (int thread = 0; thread < count; thread++) {
            if (count <= queues) {
                int first = thread;
                int[] own = new int[(queues - thread + count - 1) / count];
                Arrays.setAll(own, i -> first + i * count);
                all.add(whole(thread, false, own, depth, null));
                continue;
            }
            int queue = thread % queues;
            CommonQueue shared = common[queue];
            if (shared == null) {
                shared = new CommonQueue((count - queue + queues - 1) / queues);
                common[queue] = shared;
            }
            all.add(whole(thread, false, new int[] {queue}, depth, shared));
        }
        return all;
    }

    private static ServedTags whole(
            int thread, boolean isOneQueue, int[] queues, int depth, @Nullable CommonQueue common) {
        int[] queueOfTag = new int[queues.length * depth];
        int[] tagInQueue = new int[queues.length * depth];
        for (int i = 0; i < tagInQueue.length; i++) {
            queueOfTag[i] = i / depth;
            tagInQueue[i] = i % depth;
        }
        return new ServedTags(thread, isOneQueue, queues, queueOfTag, tagInQueue, common);
    }

    /** {@return the number of the thread} */
    int thread() {
        return thread;
    }

    /** {@return whether the thread serves one queue, and is its only one} */
    boolean isOneQueue() {
        return isOneQueue;
    }

    /** {@return how many tags there are} */
    int count() {
        return tagInQueue.length;
    }

    /** {@return the numbers of the queues, ascending; not to be changed} */
    int[] queues() {
        return queues;
    }

    /** {@return the driver's number of a tag's queue} */
    int queue(int tag) {
        return queues[queueOfTag[tag]];
    }

    /** {@return which of {@link #queues} a tag is of} */
    int queueIndex(int tag) {
        return queueOfTag[tag];
    }

    /** {@return the driver's number of a tag} */
    int tagInQueue(int tag) {
        return tagInQueue[tag];
    }

    /** {@return what other threads have a part in, null where the tags are this thread's alone} */
    @Nullable CommonQueue common() {
        return common;
    }
}
