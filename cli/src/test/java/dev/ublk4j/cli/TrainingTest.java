package dev.ublk4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Nobody sees a training that fails: commands would only start more slowly. */
@DisplayName("The training of the AOT caches")
@Timeout(value = 5, unit = TimeUnit.MINUTES)
class TrainingTest {
    @ParameterizedTest
    @ValueSource(strings = {"commands", "server"})
    void endsWell(String use) throws Exception {
        Process training =
                new ProcessBuilder(
                                List.of(
                                        Path.of(System.getProperty("java.home"), "bin", "java")
                                                .toString(),
                                        "-XX:+UseSerialGC",
                                        "-XX:TieredStopAtLevel=1",
                                        "--enable-native-access=ALL-UNNAMED",
                                        "-cp",
                                        System.getProperty("java.class.path"),
                                        Training.class.getName(),
                                        use))
                        .redirectErrorStream(true)
                        .start();
        String said = new String(training.getInputStream().readAllBytes(), StandardCharsets.UTF_8);

        assertThat(training.waitFor()).as(said).isZero();
    }
}
