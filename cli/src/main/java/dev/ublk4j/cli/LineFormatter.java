package dev.ublk4j.cli;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.Locale;
import java.util.logging.Formatter;
import java.util.logging.LogRecord;
import org.jspecify.annotations.Nullable;

/** A log record on one line: time, level, text; a failure's stack trace follows. */
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
        line.printf(
                "%s %-7s %s%n",
                TIME.format(record.getInstant()), record.getLevel(), formatMessage(record));
        @Nullable Throwable thrown = record.getThrown();
        if (thrown != null) {
            thrown.printStackTrace(line);
        }
        return text.toString();
    }
}
