package dev.ublk4j.crash;

import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.server.Geometry;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * What a disk was asked to do, in order and with the data, as a {@link Recorder} writes it down: in
 * memory, or in the file of a {@link Recording}.
 *
 * <p>Each queue of the disk writes to a {@link Lane} of its own, without a lock; what orders the
 * lanes is the count of instants that they share. Data is kept outside of the heap, in segments
 * that are added as they fill up. Read the history when the recorder's device has been closed.
 */
public final class History implements AutoCloseable {
    /** What a history in memory holds unless told otherwise, in bytes of data. */
    public static final long DEFAULT_LIMIT = 1L << 30;

    private final RecordedSpace space;
    private final AtomicLong instants;
    private final AtomicLong bytes = new AtomicLong();
    private final List<Lane> lanes = new CopyOnWriteArrayList<>();
    private final List<Mark> marks = new CopyOnWriteArrayList<>();
    private final long limit;
    private volatile boolean isFull;
    private int nextLane;

    /** The marks of a history in a file. */
    private final @Nullable Lane marksLane;

    /** Creates a history that holds {@link #DEFAULT_LIMIT} bytes of data, in memory. */
    public History() {
        this(DEFAULT_LIMIT);
    }

    /**
     * Creates a history in memory.
     *
     * @param limit bytes of data that it holds; a write beyond fails with {@code ENOMEM}
     */
    public History(long limit) {
        this(RecordedSpace.inMemory(), limit, 0, 0);
    }

    private History(RecordedSpace space, long limit, int nextLane, long instant) {
        this.space = space;
        this.limit = limit;
        this.nextLane = nextLane;
        this.instants = new AtomicLong(instant);
        this.marksLane = space.isChecked() ? new Lane(this.nextLane++, space, instants) : null;
    }

    /**
     * {@return a history in a file, which a {@link Recording} reads} Where the file is there, it
     * goes on. What has been recorded survives the death of the process, and is durable when the
     * history is closed.
     *
     * @param geometry of the disk that is recorded
     * @param limit bytes of data that are added; a write beyond fails with {@code ENOMEM}
     * @throws IOException when the file cannot be used: it is none, is of another disk, or another
     *     records to it
     */
    public static History inFile(Path file, Geometry geometry, long limit) throws IOException {
        RecordingFile recording = RecordingFile.openToWrite(file, geometry);
        return new History(recording, limit, recording.nextLane(), recording.lastInstant());
    }

    /** Leaves a note, which tells a check what had been done by the power cut. Any thread. */
    public synchronized void mark(Object text) {
        Lane lane = marksLane;
        marks.add(
                new Mark(
                        lane == null ? instants.incrementAndGet() : lane.mark(text.toString()),
                        text));
    }

    /** {@return how many requests have been recorded} */
    public int requests() {
        return lanes.stream().mapToInt(Lane::count).sum();
    }

    /** {@return bytes of data that have been recorded} */
    public long dataBytes() {
        return bytes.get();
    }

    synchronized Lane newLane() {
        Lane lane = new Lane(nextLane++, space, instants);
        lanes.add(lane);
        return lane;
    }

    /**
     * Counts the data of a write.
     *
     * @throws LinuxException {@code ENOMEM} when the history is full
     */
    void take(long length) {
        if (bytes.addAndGet(length) > limit) {
            bytes.addAndGet(-length);
            isFull = true;
            throw new LinuxException(
                    "record(%d bytes)".formatted(length),
                    "a history of at most %d bytes of data".formatted(limit),
                    Errno.ENOMEM.negated());
        }
    }

    /** {@return whether data was refused because the history holds no more} */
    boolean isFull() {
        return isFull;
    }

    /** {@return bytes of data that it holds at most} */
    long limit() {
        return limit;
    }

    /** {@return the instant that was last} */
    long now() {
        return instants.get();
    }

    List<Mark> marks() {
        return marks;
    }

    /** {@return the changes and flushes, in the order in which they were sent} */
    List<Change> changes() {
        return numbered(lanes.stream().map(lane -> lane.read(false)).toList());
    }

    /** {@return what several lanes say, in the order in which it was sent} */
    static List<Change> numbered(List<Lane.Content> lanes) {
        List<Change> all = new ArrayList<>();
        lanes.forEach(each -> all.addAll(each.changes));
        all.sort(Comparator.comparingLong(Change::sent));
        List<Change> numbered = new ArrayList<>(all.size());
        for (Change each : all) {
            numbered.add(each.numbered(numbered.size() + 1));
        }
        return numbered;
    }

    /** Forgets what is in memory; images made of the history can no longer be read. */
    @Override
    public void close() {
        space.close();
    }
}
