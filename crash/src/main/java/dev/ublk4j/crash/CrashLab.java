package dev.ublk4j.crash;

import dev.ublk4j.embedded.DiskRequest;
import dev.ublk4j.layers.FaultInjector;
import dev.ublk4j.testkit.TestBed;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Records what a program does to a disk, and then hands every disk that a power cut could have left
 * to a check.
 *
 * {@snippet :
 * try (CrashLab lab = CrashLab.create()) {
 *     lab.record(disk -> {
 *         new TinyStore(disk).put("key", "value");
 *         lab.mark("put");
 *     });
 *     lab.eachCrash(disk -> new TinyStore(disk).check(disk.marks()));
 * }
 * }
 *
 * <p>The disk is a device of the embedded driver, so any number of threads may use it while it is
 * recorded. Which outcomes a power cut has follows from the history alone, by the {@link
 * DiskModel}: a request is lost or not by what had been answered when the next was sent, not by
 * what the memory below has made of it. The search is the same for the same history, options and
 * seed, on any machine.
 */
public final class CrashLab implements AutoCloseable {
    /** What is done to a disk. */
    @FunctionalInterface
    public interface Work {
        /** Uses the disk, which is closed some time after this has returned. */
        void use(LabDisk disk) throws Exception;
    }

    /** What must hold of a disk after a power cut. */
    @FunctionalInterface
    public interface Check {
        /**
         * Looks at a disk, and may write to it: what a program does when it starts again.
         *
         * @throws Exception or an {@link Error}: the disk is not as it must be
         */
        void check(CrashedDisk disk) throws Exception;
    }

    private static final String FOLDER_PROPERTY = "ublk4j.crash.images";
    private static final int BLOCK = DiskModel.SECTOR;
    private static final int SAVED_AT_ONCE = 64 * 1024;

    private final CrashOptions options;
    private final History history = new History();
    private @Nullable TestBed bed;
    private @Nullable LabDisk disk;
    private @Nullable FaultInjector faults;
    private long from;
    private boolean isRecorded;
    private boolean isOver;

    private CrashLab(CrashOptions options) {
        this.options = options;
    }

    /** {@return a lab with {@link CrashOptions#defaults}} */
    public static CrashLab create() {
        return create(CrashOptions.defaults());
    }

    /** {@return a lab} */
    public static CrashLab create(CrashOptions options) {
        return new CrashLab(options);
    }

    /**
     * Records and checks, in one call.
     *
     * @throws CrashFailure when the check fails
     */
    public static CrashReport explore(CrashOptions options, Work work, Check check)
            throws Exception {
        try (CrashLab lab = create(options)) {
            lab.record(work);
            return lab.eachCrash(check);
        }
    }

    /**
     * Uses the disk before the recording: what it writes is durable whenever the power is cut. A
     * file system is made here, or a store is created.
     *
     * @throws IllegalStateException when something has been recorded
     */
    public void prepare(Work work) throws Exception {
        if (isRecorded) {
            throw new IllegalStateException("prepare comes before record");
        }
        work.use(disk());
        from = history.now();
    }

    /** Uses the disk while power may be cut. May be called again, which goes on. */
    public void record(Work work) throws Exception {
        isRecorded = true;
        work.use(disk());
    }

    /**
     * Leaves a note in the history: what the program has promised by now. A check sees the notes
     * that were left before the power cut as {@link CrashedDisk#marks}. Any thread.
     */
    public void mark(Object note) {
        history.mark(note);
    }

    /**
     * Checks what power cuts leave, one outcome after the other, on another thread. Nothing can be
     * recorded any more.
     *
     * @return what was covered
     * @throws CrashFailure when the check throws, or does not end in time
     * @throws IllegalStateException when nothing has been recorded
     */
    public CrashReport eachCrash(Check check) {
        if (!isRecorded) {
            throw new IllegalStateException("nothing has been recorded");
        }
        closeBed();
        try (Checker checker = new Checker(check, options.checkLimit())) {
            Search search = new Search(history, options, from, history.now(), checker);
            return search.run(fingerprint -> save(search.image(), fingerprint));
        }
    }

    /**
     * {@return what the disk does wrong while it is recorded: nothing, until it is told} It is
     * above the recorder: a write that is lost is none that could survive, and a flush that lies
     * makes nothing durable.
     *
     * @throws IllegalStateException when the recording is over
     */
    public FaultInjector faults() {
        FaultInjector known = faults;
        if (known == null) {
            LabDisk _ = disk();
            known = Objects.requireNonNull(faults);
        }
        return known;
    }

    private LabDisk disk() {
        LabDisk known = disk;
        if (known == null) {
            if (isOver) {
                throw new IllegalStateException("the recording is over");
            }
            FaultInjector injector = new FaultInjector(new Recorder(new Platter(options), history));
            TestBed started = TestBed.of(injector);
            faults = injector;
            bed = started;
            known = new ServedDisk(started, options.size());
            disk = known;
        }
        return known;
    }

    private void closeBed() {
        TestBed open = bed;
        bed = null;
        disk = null;
        faults = null;
        isOver = true;
        if (open != null) {
            open.close();
        }
    }

    /** Saves an image. The failure counts with or without it, whatever prevents that. */
    private SavedImage save(CrashImage image, long fingerprint) {
        try {
            String named = System.getProperty(FOLDER_PROPERTY);
            Path folder =
                    named != null
                            ? Files.createDirectories(Path.of(named))
                            : Files.createTempDirectory("ublk4j-crash");
            Path file = folder.resolve("crash-%016x.img".formatted(fingerprint));
            write(image, file);
            return SavedImage.in(file);
        } catch (Exception | Error e) {
            return SavedImage.lost(e);
        }
    }

    private void write(CrashImage image, Path file) throws IOException {
        try (FileChannel channel =
                FileChannel.open(
                        file,
                        StandardOpenOption.CREATE,
                        StandardOpenOption.TRUNCATE_EXISTING,
                        StandardOpenOption.WRITE,
                        StandardOpenOption.SPARSE)) {
            try {
                write(image, channel);
            } catch (Throwable e) {
                // A part of an image would be taken for one.
                channel.truncate(0);
                throw e;
            }
        }
    }

    private void write(CrashImage image, FileChannel channel) throws IOException {
        byte[] bytes = new byte[SAVED_AT_ONCE];
        byte[] zeroes = new byte[SAVED_AT_ONCE];
        for (long at = 0; at < options.size(); at += SAVED_AT_ONCE) {
            int length = (int) Math.min(SAVED_AT_ONCE, options.size() - at);
            for (int i = 0; i < length; i += BLOCK) {
                image.read((int) ((at + i) / BLOCK), bytes, i);
            }
            boolean isLast = at + length == options.size();
            if (isLast || !Arrays.equals(bytes, 0, length, zeroes, 0, length)) {
                ByteBuffer buffer = ByteBuffer.wrap(bytes, 0, length);
                while (buffer.hasRemaining()) {
                    channel.write(buffer, at + buffer.position());
                }
            }
        }
    }

    @Override
    public void close() {
        closeBed();
        history.close();
    }

    /** The disk that is recorded, as the program under test has it. */
    private record ServedDisk(TestBed bed, long size) implements LabDisk {
        @Override
        public int blockSize() {
            return BLOCK;
        }

        @Override
        public byte[] read(long position, int length) {
            return bed.read(position, length);
        }

        @Override
        public void write(long position, byte[] data) {
            bed.write(position, data);
        }

        @Override
        public void writeThrough(long position, byte[] data) {
            try (Arena arena = Arena.ofShared()) {
                MemorySegment memory = arena.allocate(data.length, 4096);
                memory.copyFrom(MemorySegment.ofArray(data));
                long _ =
                        bed.submit((DiskRequest request) ->
                                        request.writeThrough(position).add(memory))
                                .check();
            }
        }

        @Override
        public void flush() {
            bed.flush();
        }

        @Override
        public void discard(long position, long length) {
            bed.discard(position, length);
        }

        @Override
        public void writeZeroes(long position, long length) {
            bed.writeZeroes(position, length);
        }
    }
}
