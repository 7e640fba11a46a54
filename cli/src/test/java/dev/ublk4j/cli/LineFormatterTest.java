package dev.ublk4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

@DisplayName("A line of the log")
class LineFormatterTest {
    private static String format(String text, Throwable thrown) {
        LogRecord line = new LogRecord(Level.WARNING, text);
        line.setThrown(thrown);
        return new LineFormatter().format(line);
    }

    @Test
    void tellsWhyWithoutAStackTraceWhereAUserIsTheCause() {
        assertThat(format("it failed", new IOException("disk full")))
                .endsWith("it failed: disk full\n")
                .hasLineCount(1);
    }

    @Test
    void hasTheStackTraceOfAFaultOfOurs() {
        assertThat(format("it failed", new IllegalStateException("never"))).contains("\tat ");
    }

    @Test
    void isOneWhateverNamesAreInIt() {
        assertThat(format("a\nb\033[0m", new IOException("c\rd")))
                .hasLineCount(1)
                .contains("a\\nb");
    }
}
