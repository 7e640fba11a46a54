package dev.ublk4j.cli.doctor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.ublk4j.cli.output.Failure;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

@DisplayName("A kernel that is publicly known")
class KnownKernelTest {
    private static final String BUILT_BY_UBUNTU =
            "Linux version %s (buildd@lcy02-amd64-077) (x86_64-linux-gnu-gcc-13 (Ubuntu"
                    + " 13.3.0-6ubuntu2~24.04) 13.3.0) #14~24.04.1-Ubuntu SMP PREEMPT_DYNAMIC";
    private static final String BUILT_BY_DEBIAN =
            "Linux version %s (debian-kernel@lists.debian.org) (x86_64-linux-gnu-gcc-14 (Debian"
                    + " 14.2.0-19) 14.2.0) #1 SMP PREEMPT_DYNAMIC Debian 6.18.5-1";

    private static KernelIdentity kernel(String release, String banner) {
        return new KernelIdentity(release, banner.formatted(release));
    }

    private static List<KnownKernel.Harm> harms(KernelIdentity kernel) {
        return KnownKernel.of(kernel).stream()
                .map(KnownKernel::harm)
                .filter(harm -> harm != KnownKernel.Harm.SPARES)
                .toList();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "6.18.4",
                "6.18.5",
                "6.18.4-arch1-1",
                "6.18.5-200.fc43.x86_64",
                "6.18.5+deb14-amd64",
                "6.18.4-zabbly+"
            })
    void crashesWhenADeviceIsAdded(String release) {
        KernelIdentity kernel = kernel(release, BUILT_BY_DEBIAN);

        assertThat(harms(kernel)).containsExactly(KnownKernel.Harm.CRASHES);
        assertThatThrownBy(() -> CrashGuard.check(kernel, "; to add one: --risk-crash"))
                .isInstanceOf(Failure.class)
                .hasMessageContaining("crash")
                .hasMessageContaining("6.18.6")
                .hasMessageContaining("--risk-crash");
    }

    @ParameterizedTest
    @CsvSource({
        "6.17.0-23-generic, false",
        "6.17.0-24-generic, true",
        "6.17.0-32-lowlatency, true",
        "6.17.0-40-generic, true",
        "6.17.0-40-generic-64k, true",
        "6.17.0-41-generic, false",
        "6.17.0-5-generic, false",
        "6.17.0-1010-aws, false",
        "6.17.0-1015-azure, true",
        "6.17.0-1017-aws, true",
        "6.17.0-1018-azure, true",
        "6.14.0-33-generic, false",
        "6.8.0-1052-azure, false",
        "7.0.0-1008-aws, false"
    })
    void isOneOfUbuntusByItsOwnNumber(String release, boolean crashes) {
        assertThat(CrashGuard.isKnownToCrash(kernel(release, BUILT_BY_UBUNTU))).isEqualTo(crashes);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "6.1.0-40-amd64",
                "6.12.57+deb13-amd64",
                "6.17.0-30-amd64",
                "6.17.13",
                "6.18.3",
                "6.18.6-arch1-1",
                "6.18.44-fc-v782",
                "6.18.0-rc4",
                "7.4.0"
            })
    void isNotAnyOther(String release) {
        KernelIdentity kernel = kernel(release, BUILT_BY_DEBIAN);

        assertThat(harms(kernel)).isEmpty();
        assertThatCode(() -> CrashGuard.check(kernel, "")).doesNotThrowAnyException();
    }

    @ParameterizedTest
    @CsvSource({
        "7.0.0, HURTS, batch",
        "7.2.7+deb14-amd64, HURTS, batch",
        "7.3.4, HURTS, batch",
        "7.2.8+deb14-amd64, HURTS, started",
        "6.7.0-68.fc38.x86_64, HURTS, --recovery",
        "6.6.87.2-microsoft-standard-WSL2, HAS_NO_UBLK, WSL",
        "5.15.167.4-microsoft-standard-WSL2, HAS_NO_UBLK, WSL",
        "4.4.0-19041-Microsoft, HAS_NO_UBLK, WSL",
        "5.14.0-570.el9.x86_64, HAS_NO_UBLK, RHEL 9",
        "5.14.0-611.5.1.el9_7.x86_64, HAS_NO_UBLK, RHEL 9"
    })
    void isFoundWithARemedy(String release, KnownKernel.Harm harm, String word) {
        KernelIdentity kernel = kernel(release, "Linux version %s");

        assertThat(harms(kernel)).containsOnly(harm);
        Finding finding = KernelCheck.known(kernel).getFirst();
        assertThat(finding.level())
                .isEqualTo(
                        harm == KnownKernel.Harm.HURTS ? Finding.Level.WARN : Finding.Level.FAIL);
        assertThat(finding.text() + finding.remedy()).contains(word);
        assertThat(finding.remedy()).isNotEmpty();
        assertThatCode(() -> CrashGuard.check(kernel, "")).doesNotThrowAnyException();
    }

    @ParameterizedTest
    @CsvSource({
        "6.1.0-40-amd64, false",
        "6.15.11, false",
        "6.16.0, true",
        "6.18.6-arch1-1, true",
        "7.3.4, true",
        "7.4.0, false"
    })
    void leavesCommandsBehindWhereItCanQuiesceAndSaysWhatIsDoneAboutIt(
            String release, boolean leaves) {
        List<Finding> found =
                KernelCheck.known(kernel(release, BUILT_BY_DEBIAN)).stream()
                        .filter(finding -> finding.text().contains("QUIESCE_DEV"))
                        .toList();

        assertThat(found).hasSize(leaves ? 1 : 0);
        assertThat(found)
                .allSatisfy(finding -> {
                    assertThat(finding.level()).isEqualTo(Finding.Level.OK);
                    assertThat(finding.text()).contains("commands", "EBUSY", "EINTR");
                });
    }

    @Test
    void isReadFromProc(@TempDir Path root) throws IOException {
        assertThat(KernelIdentity.of(root, "7.3.4").banner()).isEmpty();
        Files.createDirectories(root.resolve("proc"));
        Files.writeString(root.resolve("proc/version"), "Linux version 7.3.4 (Ubuntu)\n");
        assertThat(KernelIdentity.of(root, "7.3.4").banner())
                .isEqualTo("Linux version 7.3.4 (Ubuntu)");
    }
}
