package dev.ublk4j.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What {@code vm/run} starts. */
@DisplayName("A machine of user-mode Linux")
@Timeout(value = 10, unit = TimeUnit.MINUTES)
class MachineTest {
    private static final Path KERNELS =
            Path.of(System.getProperty("user.home"), ".cache/ublk4j/vm/uml");

    @Test
    void readsMoreFilesThanItsUserMayHaveOpenByDefault() throws Exception {
        assumeTrue(Files.isDirectory(KERNELS), "there is no kernel of user-mode Linux");
        Process process =
                new ProcessBuilder(
                                "bash",
                                "-c",
                                "ulimit -Sn 300; vm/run --kernel uml -- bash -c"
                                        + " 'find /usr/share -type f -readable | head -n 1000"
                                        + " | xargs -d \"\\n\" cat >/dev/null && echo all of them'")
                        .directory(Path.of("..").toFile())
                        .redirectErrorStream(true)
                        .start();
        process.getOutputStream().close();
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);

        assertThat(process.waitFor()).as(said).isZero();
        assertThat(said).endsWith("all of them\n");
    }
}
