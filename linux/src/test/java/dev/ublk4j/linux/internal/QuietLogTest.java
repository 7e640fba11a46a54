package dev.ublk4j.linux.internal;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.ResourceBundle;
import org.junit.jupiter.api.Test;

class QuietLogTest {
    private final List<String> lines = new ArrayList<>();
    private boolean isFull;
    private long now = Long.MAX_VALUE - 5;

    private final Logger logger =
            new Logger() {
                @Override
                public String getName() {
                    return "test";
                }

                @Override
                public boolean isLoggable(Level level) {
                    return level.getSeverity() >= Level.INFO.getSeverity();
                }

                @Override
                public void log(Level level, ResourceBundle bundle, String line, Throwable e) {
                    if (isFull) {
                        throw new IllegalStateException("no room");
                    }
                    if (isLoggable(level)) {
                        lines.add(level + " " + line + (e == null ? "" : ", " + e.getMessage()));
                    }
                }

                @Override
                public void log(Level level, ResourceBundle bundle, String line, Object... args) {
                    throw new UnsupportedOperationException();
                }
            };

    private final QuietLog quiet = new QuietLog(logger, Duration.ofNanos(10), () -> now);

    @Test
    void saysTheFirstAndAfterThePeriodHowManyThereWere() {
        for (int count = 0; count < 1000; count++) {
            String line = "line " + count;
            quiet.log(Level.WARNING, () -> line);
        }
        assertThat(lines).containsExactly("WARNING line 0");
        // The clock may pass the largest number.
        now += 10;
        quiet.log(Level.INFO, () -> "again");
        assertThat(lines)
                .containsExactly("WARNING line 0", "INFO again (and 999 similar messages before)");
        now += 10;
        quiet.log(Level.INFO, () -> "later");
        assertThat(lines).last().isEqualTo("INFO later");
    }

    @Test
    void tellsTheCauseOfTheFirst() {
        quiet.log(Level.ERROR, () -> "failed", new IllegalStateException("why"));
        quiet.log(Level.ERROR, () -> "failed", new IllegalStateException("again"));
        assertThat(lines).containsExactly("ERROR failed, why");
    }

    @Test
    void saysAsSoonAsItCanWhatTheLogDidNotTake() {
        isFull = true;
        quiet.log(Level.WARNING, () -> "one");
        quiet.log(Level.WARNING, () -> "two");
        isFull = false;
        quiet.log(Level.WARNING, () -> "three");
        assertThat(lines).containsExactly("WARNING three (and 2 similar messages before)");
    }
}
