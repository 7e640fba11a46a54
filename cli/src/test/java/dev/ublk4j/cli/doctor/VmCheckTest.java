package dev.ublk4j.cli.doctor;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@DisplayName("The doctor, of virtual machines,")
class VmCheckTest {
    @TempDir Path root;

    @BeforeEach
    void haveKvm() throws IOException {
        Files.createDirectories(root.resolve("dev"));
        Files.createFile(root.resolve("dev/kvm"));
        Files.createDirectories(root.resolve("accel"));
    }

    private void verdict(String kernels, String answer, long when) throws IOException {
        Path file = Files.writeString(root.resolve("accel").resolve(kernels), answer + "\n");
        Files.setLastModifiedTime(file, FileTime.fromMillis(when));
    }

    private Finding kvm() {
        return VmCheck.all(root, "", root.resolve("accel"), "6.1-x").getLast();
    }

    @Test
    void doesNotClaimWhatWasNotTried() throws IOException {
        verdict("7.2-on-5.0", "yes", 1);

        assertThat(kvm().text()).contains("tries it").doesNotContain("works");
    }

    @Test
    void repeatsWhatAMachineHasFound() throws IOException {
        verdict("7.2-on-6.1-x", "yes", 1);

        assertThat(kvm().text()).isEqualTo("KVM works");
    }

    @Test
    void warnsWhereNoMachineCameUp() throws IOException {
        verdict("7.2-on-6.1-x", "yes", 1);
        verdict("7.3-on-6.1-x", "no", 2000);

        assertThat(kvm().level()).isEqualTo(Finding.Level.WARN);
        assertThat(kvm().text()).contains("QEMU emulates");
    }

    @Test
    void looksWhereMachinesLeaveIt() {
        assertThat(VmCheck.verdicts(Map.of("XDG_CACHE_HOME", "/c"), "/h"))
                .isEqualTo(Path.of("/c/ublk4j/vm/accel"));
        assertThat(VmCheck.verdicts(Map.of(), "/h"))
                .isEqualTo(Path.of("/h/.cache/ublk4j/vm/accel"));
    }
}
