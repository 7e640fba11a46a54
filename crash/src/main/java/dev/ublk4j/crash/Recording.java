package dev.ublk4j.crash;

import dev.ublk4j.server.Operation;
import dev.ublk4j.server.Target;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * What a disk was asked to do, in a file that a {@link Recorder} has written by {@link
 * History#inFile}. It tells what was on the disk at any instant, or what a power cut could have
 * left then, and makes files and devices of that. One thread.
 *
 * <p>What was on the disk before the recording is not in it: it counts as zeroes, or as what is in
 * the file that is replayed to.
 */
public final class Recording implements AutoCloseable {
    private final RecordingFile file;
    private final Path path;
    private final List<Change> changes;
    private final List<Mark> marks = new ArrayList<>();
    private final boolean isTorn;
    private final long last;
    private final long[] durable;

    /** What of that which was not durable is lost. */
    public sealed interface Loss {
        /** {@return nothing: the power stays on} */
        static Loss none() {
            return new Chosen(0, 0);
        }

        /** {@return all of it} */
        static Loss all() {
            return new Chosen(1, 0);
        }

        /** {@return some of it, or parts: the same for the same seed} */
        static Loss random(long seed) {
            return new Chosen(2, seed);
        }
    }

    record Chosen(int how, long seed) implements Loss {}

    private Recording(Path path, RecordingFile file) {
        this.path = path;
        this.file = file;
        List<Lane.Content> lanes = file.contents();
        changes = History.numbered(lanes);
        lanes.forEach(each -> marks.addAll(each.marks));
        marks.sort(Comparator.comparingLong(Mark::at));
        isTorn = file.isCut() || lanes.stream().anyMatch(each -> each.isTorn);
        last = file.lastInstant();
        DiskModel model = file.volatileCache() ? DiskModel.volatileCache() : DiskModel.noCache();
        durable = Durability.of(changes, model, 0);
    }

    /**
     * Opens a recording.
     *
     * @throws IOException when the file cannot be read, or is none
     */
    public static Recording open(Path path) throws IOException {
        RecordingFile file = RecordingFile.openToRead(path);
        try {
            Recording recording = new Recording(path, file);
            recording.checkPlaces();
            return recording;
        } catch (Throwable e) {
            file.close();
            throw e;
        }
    }

    private void checkPlaces() throws IOException {
        for (Change each : changes) {
            if (each.isFlush()) {
                continue;
            }
            if (each.offset() < 0
                    || each.length() < 0
                    || each.offset() > size() - each.length()
                    || each.offset() % DiskModel.SECTOR != 0
                    || each.length() % DiskModel.SECTOR != 0
                    || each.data().byteSize()
                            != (each.operation() == Operation.WRITE ? each.length() : 0)) {
                throw new IOException(
                        "%s is damaged: '%s' does not fit a disk of %d bytes"
                                .formatted(path, each, size()));
            }
        }
    }

    /** {@return bytes on the disk that was recorded} */
    public long size() {
        return file.size();
    }

    /** {@return how many changes and flushes were recorded} */
    public int requests() {
        return changes.size();
    }

    /**
     * {@return whether the file ends within something, as it does when the machine has died} What
     * was recorded before is there.
     */
    public boolean isTorn() {
        return isTorn;
    }

    /** {@return what a request was, for a person} */
    public String describe(int number) {
        return changes.get(number - 1).toString();
    }

    /** {@return the texts of the marks, in order} */
    public List<String> marks() {
        return marks.stream().map(mark -> mark.text().toString()).toList();
    }

    /** {@return the texts of the marks that were left before a request was sent} */
    public List<String> marksBefore(int number) {
        long sent = changes.get(number - 1).sent();
        return marks.stream()
                .filter(mark -> mark.at() < sent)
                .map(mark -> mark.text().toString())
                .toList();
    }

    /**
     * {@return what was on the disk when so many requests had been sent, and the next had not}
     *
     * @param number from 0 to {@link #requests}
     */
    public RecordedImage after(int number, Loss loss) {
        if (number < 0 || number > changes.size()) {
            throw new IllegalArgumentException(
                    "%s has %d requests, and no number %d".formatted(path, changes.size(), number));
        }
        return image(
                number < changes.size()
                        ? changes.get(number).sent() - 1
                        : Math.max(last, number == 0 ? 0 : changes.getLast().sent()),
                loss);
    }

    /**
     * {@return what was on the disk when a mark was left, the last one with that text}
     *
     * @throws IllegalArgumentException when there is none
     */
    public RecordedImage at(String mark, Loss loss) {
        for (Mark each : marks.reversed()) {
            if (each.text().equals(mark)) {
                return image(each.at(), loss);
            }
        }
        throw new IllegalArgumentException(
                "%s has no mark '%s'%s"
                        .formatted(
                                path,
                                mark,
                                marks.isEmpty()
                                        ? ", and no other"
                                        : "; those are: " + String.join(", ", marks())));
    }

    private RecordedImage image(long instant, Loss loss) {
        return new RecordedImage(changes, durable, instant, (Chosen) loss, size());
    }

    /**
     * {@return a disk with an image, which may be written} What is written is in memory, and gone
     * with the target. The recording has to stay open until the target is closed.
     */
    public Target target(RecordedImage image) {
        return image.target();
    }

    /** Closes the file; images of the recording can no longer be read. */
    @Override
    public void close() {
        file.close();
    }
}
