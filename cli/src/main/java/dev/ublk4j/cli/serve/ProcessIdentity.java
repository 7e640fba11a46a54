package dev.ublk4j.cli.serve;

import dev.ublk4j.linux.Deadline;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * A process that cannot be mistaken for a later one with the same number.
 *
 * @param pid its number
 * @param startTicks when it started, in clock ticks since the machine did ({@code proc(5)}, field
 *     22 of stat)
 */
public record ProcessIdentity(long pid, long startTicks) {
    /** Where the fields that follow the command's name continue: state, the third, is 0. */
    private static final int STATE = 0;

    private static final int START_TICKS = 22 - 3;

    private static final long PAUSE_MILLIS = 10;

    /** {@return this process} */
    public static ProcessIdentity current() {
        ProcessIdentity self = ofOrNull(ProcessHandle.current().pid());
        return self == null ? new ProcessIdentity(ProcessHandle.current().pid(), 0) : self;
    }

    /** {@return the process that now has a number, null where none runs} */
    public static @Nullable ProcessIdentity ofOrNull(long pid) {
        try {
            // The name of a process may be any bytes.
            Path stat = Path.of("/proc", Long.toString(pid), "stat");
            return parseOrNull(pid, Files.readString(stat, StandardCharsets.ISO_8859_1));
        } catch (IOException e) {
            return null;
        }
    }

    static @Nullable ProcessIdentity parseOrNull(long pid, String stat) {
        // The name, in parentheses, may itself contain blanks and parentheses.
        String[] fields = stat.substring(stat.lastIndexOf(')') + 1).strip().split(" ", -1);
        boolean ended = fields[STATE].equals("Z") || fields[STATE].equals("X");
        return ended ? null : new ProcessIdentity(pid, Long.parseLong(fields[START_TICKS]));
    }

    /** {@return whether it still runs} */
    public boolean isAlive() {
        return equals(ofOrNull(pid));
    }

    /**
     * {@return whether it has ended within a time}
     *
     * @throws InterruptedException when the wait is interrupted
     */
    public boolean awaitEnd(Duration time) throws InterruptedException {
        Deadline deadline = Deadline.in(time);
        while (isAlive()) {
            if (deadline.isOver()) {
                return false;
            }
            Thread.sleep(PAUSE_MILLIS);
        }
        return true;
    }
}
