package dev.ublk4j.crash;

import dev.ublk4j.linux.Deadline;
import java.nio.charset.StandardCharsets;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.function.LongFunction;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/** Looks for an image that a check fails on, and for the smallest loss with which it does. */
final class Search {
    /** Images that are tried to make a failure smaller. */
    private static final int MOST_STEPS = 500;

    private static final String UNSTEADY =
            "it did not fail again on the same image: something else than the disk decides\n";

    private final List<Change> changes;
    private final List<Mark> marks;
    private final long[] durable;
    private final CrashOptions options;
    private final long from;
    private final long to;
    private final Checker checker;
    private final CrashImage image;
    private final Deadline deadline;

    private final Set<Long> seen = new HashSet<>();
    private long outcomes;
    private boolean limited;
    private int steps;
    private @Nullable CrashState failed;
    private @Nullable Throwable cause;

    /**
     * Prepares a search.
     *
     * @param from the instant at which the recording began; what was there before is durable
     * @param to the last instant
     */
    Search(History history, CrashOptions options, long from, long to, Checker checker) {
        this.options = options;
        this.changes = history.changes();
        this.marks = history.marks();
        this.from = from;
        this.to = to;
        this.checker = checker;
        int prepared = (int) changes.stream().filter(each -> each.sent() <= from).count();
        this.durable = Durability.of(changes, options.model(), prepared);
        this.image = newImage();
        this.deadline = Deadline.in(options.timeLimit());
    }

    private CrashImage newImage() {
        return new CrashImage(changes, durable, options.model(), marks, options.size());
    }

    /**
     * Searches.
     *
     * @param saver saves the image of a failure
     * @throws CrashFailure for an image on which the check fails
     */
    CrashReport run(LongFunction<SavedImage> saver) {
        Outcomes all =
                new Outcomes(
                        image,
                        options.model(),
                        from,
                        to,
                        options.images(),
                        new Random(options.seed()),
                        this::visit);
        all.visitAll(seen::size);
        CrashState state = failed;
        Throwable thrown = cause;
        if (state == null || thrown == null) {
            return new CrashReport(seen.size(), outcomes, all.instants(), !limited);
        }
        String note = "";
        if (!(thrown instanceof Checker.CheckHangs)) {
            try {
                CrashState smallest = shrunk(state);
                Throwable again = check(smallest);
                if (again == null) {
                    again = check(state);
                } else {
                    state = smallest;
                }
                note = again == null ? UNSTEADY : "";
                thrown = again == null ? thrown : again;
            } catch (Checker.Interrupted _) {
                // What was found already counts.
                note = "interrupted before smaller losses were tried\n";
            }
        }
        show(state);
        SavedImage saved = saved(saver);
        String story = new Story(changes, marks, durable, image, state, from).toString();
        CrashFailure failure =
                new CrashFailure(
                        message(story, thrown, note, saved), options.seed(), saved.file(), thrown);
        if (saved.reason() != null) {
            failure.addSuppressed(saved.reason());
        }
        throw failure;
    }

    /** A thread that is interrupted cannot write to a file. */
    private SavedImage saved(LongFunction<SavedImage> saver) {
        boolean isInterrupted = Thread.interrupted();
        try {
            return saver.apply(image.fingerprint());
        } finally {
            if (isInterrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    private String message(String story, Throwable thrown, String note, SavedImage saved) {
        StringBuilder text = new StringBuilder();
        text.append("the check fails after a power cut: ")
                .append(Told.firstLine(thrown))
                .append('\n');
        text.append(story);
        text.append(note);
        text.append(
                "found in image %d of the recording %08x, with %s and seed %d%n"
                        .formatted(seen.size(), checksum(), options.model(), options.seed()));
        text.append(saved).append('\n');
        return text.toString();
    }

    /**
     * {@return what tells a recording from another of the same work, which need not be the same}
     */
    private long checksum() {
        CRC32C sum = new CRC32C();
        for (Change each : changes) {
            String told = "%s %d %d\n".formatted(each, each.sent() - from, each.answered() - from);
            sum.update(told.getBytes(StandardCharsets.UTF_8));
            sum.update(each.data().asByteBuffer());
        }
        return sum.getValue();
    }

    /** {@return the image that is shown} */
    CrashImage image() {
        return image;
    }

    private boolean visit(CrashState state) {
        outcomes++;
        if (seen.add(image.fingerprint())) {
            Throwable thrown = runCheck();
            if (thrown != null) {
                failed = state;
                cause = thrown;
                return false;
            }
        }
        limited = seen.size() >= options.images() || deadline.isOver();
        return !limited;
    }

    private @Nullable Throwable runCheck() {
        try {
            return checker.run(image, options.size());
        } catch (Checker.CheckHangs e) {
            return e;
        }
    }

    private void show(CrashState state) {
        image.moveTo(state.instant());
        image.show(state);
    }

    private @Nullable Throwable check(CrashState state) {
        show(state);
        return runCheck();
    }

    /** {@return an outcome on which the check fails too, with as little lost, as early as found} */
    private CrashState shrunk(CrashState first) {
        CrashState state = relevant(first);
        Deadline end = Deadline.in(options.timeLimit());
        steps = 0;
        boolean smaller = true;
        while (smaller && goesOn(end)) {
            smaller = false;
            for (int number : List.copyOf(state.damaged().keySet())) {
                CrashState fewer = state.without(number);
                if (goesOn(end) && fails(fewer)) {
                    state = fewer;
                    smaller = true;
                }
            }
        }
        // The bisection of instants would need that failing is monotonous, which it is not.
        for (long instant = from; instant < state.instant() && goesOn(end); instant++) {
            CrashState earlier = relevant(state.at(instant));
            if (earlier.damaged().size() <= state.damaged().size() && fails(earlier)) {
                return earlier;
            }
        }
        return state;
    }

    /** {@return the same without losses of what cannot be lost at that instant} */
    private CrashState relevant(CrashState state) {
        image.moveTo(state.instant());
        CrashState left = state;
        for (int number : List.copyOf(state.damaged().keySet())) {
            if (image.uncertain().stream().noneMatch(change -> change.number() == number)) {
                left = left.without(number);
            }
        }
        return left;
    }

    private boolean goesOn(Deadline end) {
        return steps < MOST_STEPS && !end.isOver();
    }

    /** A check that hangs is another failure than the one to be made smaller, which it ends. */
    private boolean fails(CrashState state) {
        steps++;
        Throwable thrown = check(state);
        if (thrown instanceof Checker.CheckHangs) {
            steps = MOST_STEPS;
            return false;
        }
        return thrown != null;
    }
}
