package dev.ublk4j.cli;

import dev.ublk4j.cli.output.Explanation;
import dev.ublk4j.cli.output.Visible;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.Locale;
import java.util.logging.Formatter;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.jspecify.annotations.Nullable;

/**
 * A log record on one line: time, level, text and why. A stack trace follows when it was asked for,
 * by a log of everything, and when what was thrown is no failure that a user can cause.
 */
public final class LineFormatter extends Formatter {
    private static final DateTimeFormatter TIME =
            DateTimeFormatter.ofPattern("uuuu-MM-dd HH:mm:ss.SSS", Locale.ROOT)
                    .withZone(ZoneId.systemDefault());

    /** Creates the formatter; the log manager does so by name. */
    public LineFormatter() {}

    @Override
    public String format(LogRecord record) {
        StringWriter text = new StringWriter();
        PrintWriter line = new PrintWriter(text);
        @Nullable Throwable thrown = record.getThrown();
        line.printf(
                "%s %-7s %s%s%n",
                TIME.format(record.getInstant()),
                record.getLevel(),
                Visible.of(formatMessage(record)),
                thrown == null ? "" : ": " + Explanation.of(thrown));
        if (thrown != null && (!Explanation.isKnown(thrown) || isVerbose(record))) {
            thrown.printStackTrace(line);
        }
        return text.toString();
    }

    private static boolean isVerbose(LogRecord record) {
        return Logger.getLogger(String.valueOf(record.getLoggerName())).isLoggable(Level.FINE);
    }
}
