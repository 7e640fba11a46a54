package dev.ublk4j.crash;

import dev.ublk4j.layers.FaultInjector;
import dev.ublk4j.testkit.TestBed;
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

    private final CrashOptions options;
    private final History history;
    private @Nullable TestBed bed;
    private @Nullable LabDisk disk;
    private @Nullable FaultInjector faults;
    private long from;
    private boolean isRecorded;
    private boolean isOver;
    private boolean isClosed;

    private CrashLab(CrashOptions options, History history) {
        this.options = options;
        this.history = history;
    }

    /** {@return a lab with {@link CrashOptions#defaults}} */
    public static CrashLab create() {
        return create(CrashOptions.defaults());
    }

    /** {@return a lab} */
    public static CrashLab create(CrashOptions options) {
        return of(options, new History());
    }

    static CrashLab of(CrashOptions options, History history) {
        return new CrashLab(options, history);
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
     * @throws IllegalStateException when something has been recorded, or the recording is full
     */
    public void prepare(Work work) throws Exception {
        if (isRecorded) {
            throw new IllegalStateException("prepare comes before record");
        }
        use(work);
        from = history.now();
    }

    /**
     * Uses the disk while power may be cut. May be called again, which goes on.
     *
     * @throws IllegalStateException when the recording is full; the cause is what the work threw
     */
    public void record(Work work) throws Exception {
        isRecorded = true;
        use(work);
    }

    private void use(Work work) throws Exception {
        Objects.requireNonNull(work, "work");
        LabDisk used = disk();
        try {
            work.use(used);
        } catch (Exception | Error e) {
            requireSpace(e);
            throw e;
        }
        // What cannot be recorded fails as it would on a broken disk, which a work may take for
        // one.
        requireSpace(null);
    }

    private void requireSpace(@Nullable Throwable thrown) {
        if (history.isFull()) {
            throw new IllegalStateException(
                    "the recording is full: it holds %d bytes of data at most"
                            .formatted(history.limit()),
                    thrown);
        }
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
     * @throws IllegalStateException when nothing has been recorded, or the lab is closed
     */
    public CrashReport eachCrash(Check check) {
        Objects.requireNonNull(check, "check");
        if (isClosed) {
            throw new IllegalStateException("the lab is closed");
        }
        if (!isRecorded) {
            throw new IllegalStateException("nothing has been recorded");
        }
        closeBed();
        try (Checker checker = new Checker(check, options.checkLimit())) {
            Search search = new Search(history, options, from, history.now(), checker);
            return search.run(fingerprint ->
                    SavedImage.save(search.image()::read, options.size(), fingerprint));
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

    @Override
    public void close() {
        isClosed = true;
        closeBed();
        history.close();
    }
}
