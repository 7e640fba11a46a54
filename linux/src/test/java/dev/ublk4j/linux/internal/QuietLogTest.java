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
                    throw new UnsupportedOperationException();
                }

                @Override
                public void log(Level level, ResourceBundle bundle, String line, Object... args) {
                    if (isLoggable(level)) {
                        lines.add(level + " " + line);
                    }
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
}
