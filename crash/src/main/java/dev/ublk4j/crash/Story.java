package dev.ublk4j.crash;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.Comparator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Tells what happened to a disk up to a power cut, and what of it is left. */
final class Story {
    /** Lines that are told before and behind the changes that did not survive. */
    private static final int MOST_LINES = 40;

    private record Line(long at, String text, boolean isLoss) {}

    private final List<Line> lines = new ArrayList<>();

    /**
     * Makes the story.
     *
     * @param image is at the instant of the power cut
     * @param from the instant at which the recording began
     */
    Story(
            List<Change> changes,
            List<Mark> marks,
            long[] durable,
            CrashImage image,
            CrashState state,
            long from) {
        for (Change change : changes) {
            if (change.sent() > from && change.sent() <= state.instant()) {
                BitSet survived = state.damaged().get(change.number());
                String fate = fate(change, durable, image, survived, state.instant());
                boolean isLoss = survived != null;
                lines.add(new Line(change.sent(), "  %s: %s".formatted(change, fate), isLoss));
            }
        }
        for (Mark mark : marks) {
            if (mark.at() > from && mark.at() <= state.instant()) {
                lines.add(new Line(mark.at(), "  -- mark: " + Told.inALine(mark.text()), false));
            }
        }
        lines.sort(Comparator.comparingLong(Line::at));
        lines.add(new Line(state.instant(), "  power cut", true));
    }

    private static String fate(
            Change change,
            long[] durable,
            CrashImage image,
            @Nullable BitSet survived,
            long instant) {
        boolean isAnswered = change.answered() <= instant;
        if (change.isFlush()) {
            return isAnswered ? "completed" : "under way";
        }
        String when = isAnswered ? "" : ", under way";
        if (survived != null) {
            int units = image.units(change);
            return (survived.isEmpty()
                            ? "LOST"
                            : "TORN, of its %d parts %s survived".formatted(units, parts(survived)))
                    + when;
        }
        return (durable[change.number() - 1] <= instant ? "durable" : "survived") + when;
    }

    private static String parts(BitSet survived) {
        BitSet fromOne = new BitSet();
        survived.stream().forEach(part -> fromOne.set(part + 1));
        return fromOne.toString();
    }

    /** {@return the lines, one for each request; of long histories those near what was lost} */
    @Override
    public String toString() {
        int first = 0;
        while (first < lines.size() - 1 && !lines.get(first).isLoss()) {
            first++;
        }
        int begin = Math.max(0, Math.min(first - MOST_LINES / 2, lines.size() - MOST_LINES));
        StringBuilder text = new StringBuilder();
        if (begin > 0) {
            text.append("  ... %d more before%n".formatted(begin));
        }
        int skipped = 0;
        for (int i = begin; i < lines.size(); i++) {
            Line line = lines.get(i);
            boolean isTold =
                    line.isLoss() || i - begin < MOST_LINES || lines.size() - i < MOST_LINES / 2;
            if (!isTold) {
                skipped++;
                continue;
            }
            if (skipped > 0) {
                text.append("  ... %d more%n".formatted(skipped));
                skipped = 0;
            }
            text.append(line.text()).append('\n');
        }
        return text.toString();
    }
}
