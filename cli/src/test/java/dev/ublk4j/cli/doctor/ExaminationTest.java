package dev.ublk4j.cli.doctor;

import static org.assertj.core.api.Assertions.assertThat;

import dev.ublk4j.cli.doctor.Finding.Level;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@DisplayName("The doctor")
class ExaminationTest {
    @TempDir Path root;

    private void write(String path, String text) throws IOException {
        Path file = root.resolve(path);
        Files.createDirectories(file.getParent());
        Files.writeString(file, text);
    }

    private Finding driver() {
        return new DriverCheck(root, "7.2.0-x").loaded();
    }

    @Test
    void examinesThisMachineWithoutFailing() {
        assertThat(Examination.run())
                .extracting(Finding::subject)
                .contains("java", "kernel", "driver", "io_uring", "memlock", "huge pages", "vm");
    }

    @ParameterizedTest
    @CsvSource({
        "5.15.0-91-generic, FAIL",
        "6.0.0, WARN",
        "6.12.57+deb13-amd64, WARN",
        "7.1.0-rc1, OK",
        "7.3.4, OK"
    })
    void judgesKernelsByWhatTheyCanDo(String release, Level level) {
        assertThat(KernelCheck.version(KernelVersion.parse(release)).level()).isEqualTo(level);
    }

    @Test
    void findsNoDriver() {
        assertThat(driver().level()).isEqualTo(Level.FAIL);
        assertThat(driver().remedy()).contains("ublk4j vm");
        assertThat(new DriverCheck(root, "7.2.0-x").isLoadable()).isFalse();
    }

    @Test
    void findsADriverThatCanBeLoaded() throws IOException {
        write("lib/modules/7.2.0-x/modules.dep", "kernel/drivers/block/ublk_drv.ko.xz:\n");

        assertThat(driver().text()).contains("not loaded");
        assertThat(new DriverCheck(root, "7.2.0-x").isLoadable()).isTrue();
        assertThat(driver().remedy()).contains("modprobe ublk_drv");
    }

    @Test
    void findsADriverWithoutItsNode() throws IOException {
        write("sys/module/ublk_drv/refcnt", "0");

        assertThat(driver().level()).isEqualTo(Level.FAIL);
        assertThat(driver().remedy()).contains("/dev/ublk-control");
    }

    @Test
    void findsALoadedDriver() throws IOException {
        write("dev/ublk-control", "");

        assertThat(driver().level()).isEqualTo(Level.OK);
    }

    @Test
    void saysHowIoUringIsTurnedOn() throws IOException {
        assertThat(RingCheck.remedy(RingCheck.disabled(root))).contains("seccomp");
        write("proc/sys/kernel/io_uring_disabled", "2\n");
        assertThat(RingCheck.remedy(RingCheck.disabled(root)))
                .startsWith("sysctl kernel.io_uring_disabled=0");
    }

    @Test
    void looksForHugePages() throws IOException {
        write("proc/meminfo", "HugePages_Total:     128\nHugePages_Free:      120\n");
        assertThat(MemoryCheck.hugePages(root).text()).isEqualTo("120 free");

        write("proc/meminfo", "HugePages_Total:       0\nHugePages_Free:        0\n");
        assertThat(MemoryCheck.hugePages(root).level()).isEqualTo(Level.WARN);
    }

    @Test
    void anOldJavaCannotServe() {
        assertThat(JavaCheck.version(Runtime.Version.parse("21.0.1")).level())
                .isEqualTo(Level.FAIL);
    }
}
