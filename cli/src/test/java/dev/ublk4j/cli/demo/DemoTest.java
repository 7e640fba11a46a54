package dev.ublk4j.cli.demo;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.ublk4j.embedded.EmbeddedDriver;
import java.io.UncheckedIOException;
import java.util.List;
import org.junit.jupiter.api.Test;

class DemoTest {
    private static final long SIZE = 16 << 20;

    @Test
    void nothingIsCopiedOnceTheMemoryIsSharedAndEverythingBefore() {
        try (EmbeddedDriver driver = EmbeddedDriver.create()) {
            List<Demo.Row> rows = new Demo(driver, SIZE).run();

            assertThat(rows)
                    .extracting(Demo.Row::name)
                    .containsExactly(
                            "copied writes", "copied reads", "shared writes", "shared reads");
            assertThat(rows).extracting(Demo.Row::copiedBytes).containsExactly(SIZE, SIZE, 0L, 0L);
            assertThat(rows.get(0).misses()).containsOnlyKeys("not registered");
            assertThat(rows.get(3).misses()).isEmpty();
            assertThat(rows.get(3).hits()).isPositive();
            assertThat(driver.deviceIds()).isEmpty();
        }
    }

    @Test
    void aSizeThatIsNoWholeNumberOfRoundsIsRefused() {
        try (EmbeddedDriver driver = EmbeddedDriver.create()) {
            assertThatThrownBy(() -> new Demo(driver, 1000))
                    .isInstanceOf(IllegalArgumentException.class);
        }
    }

    @Test
    void aFileThatCannotBeMadeIsNamedWithTheReason() {
        try (EmbeddedDriver driver = EmbeddedDriver.create()) {
            // Longer than any file system's files.
            Demo demo = new Demo(driver, Long.MAX_VALUE / (4 << 20) * (4 << 20));

            assertThatThrownBy(demo::run)
                    .isInstanceOf(UncheckedIOException.class)
                    .hasMessageMatching(
                            "cannot extend the file of the demonstration, /.*ublk4j-demo.*\\.img,"
                                    + " to \\d+ bytes: \\p{Upper}.*");
        }
    }
}
