package dev.ublk4j.cli.demo;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a plain user sees, whoever runs the test. */
class LimitedDemoTest {
    private static final Path SETPRIV = Path.of("/usr/bin/setpriv");
    private static final Path PRLIMIT = Path.of("/usr/bin/prlimit");

    @ParameterizedTest
    @ValueSource(longs = {64 << 10, 1 << 20, 8 << 20})
    void theDemonstrationIsTheSameWhateverMayBeLocked(long limit) throws Exception {
        assumeTrue(Files.isExecutable(SETPRIV) && Files.isExecutable(PRLIMIT), "util-linux");
        List<String> command = new ArrayList<>();
        if ("root".equals(System.getProperty("user.name"))) {
            command.addAll(List.of("setpriv", "--bounding-set=-all", "--inh-caps=-all"));
        }
        command.addAll(List.of("prlimit", "--memlock=" + limit + ":" + limit));
        command.addAll(
                List.of(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "--enable-native-access=ALL-UNNAMED",
                        "-Xmx256m",
                        "-cp",
                        System.getProperty("java.class.path"),
                        LimitedDemo.class.getName()));
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), UTF_8);

        assertThat(process.waitFor()).as(output).isZero();
        assertThat(output.lines())
                .contains(
                        "copied writes hits 0",
                        "copied reads hits 0",
                        "shared writes hits 64",
                        "shared reads hits 64",
                        "runs of the page cache 2")
                .noneMatch(line -> line.startsWith("\tat "));
        // A higher limit would change nothing, so none is told of.
        assertThat(output).doesNotContain("RLIMIT_MEMLOCK", "ulimit");
    }
}
