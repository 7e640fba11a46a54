package dev.ublk4j.linux.internal;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

class LockedMemoryTest {
    @Test
    void theRemedyNamesTheLimitItsValueAndBothWaysToRaiseIt() throws IOException {
        String line =
                Files.readAllLines(Path.of("/proc/self/limits")).stream()
                        .filter(limit -> limit.startsWith("Max locked memory"))
                        .findFirst()
                        .orElseThrow();
        String bytes = line.substring("Max locked memory".length()).strip().replaceAll("\\s.*", "");
        boolean unlimited = bytes.equals("unlimited");

        assertThat(LockedMemory.limit()).isEqualTo(unlimited ? -1 : Long.parseLong(bytes));
        assertThat(LockedMemory.remedy())
                .contains("RLIMIT_MEMLOCK", "ulimit -l", "LimitMEMLOCK=")
                .contains(unlimited ? "unlimited" : (Long.parseLong(bytes) >> 10) + " KiB")
                .doesNotContain("\n");
    }
}
