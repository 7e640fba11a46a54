package dev.ublk4j.cli.output;

import static org.assertj.core.api.Assertions.assertThat;

import dev.ublk4j.driver.ControlTimeoutException;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.targets.UnfitFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

@DisplayName("The explanation of an error")
class ExplanationTest {
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            textBlock =
                    """
                    openat | /dev/ublk-control | ENOENT | ublk4j doctor says
                    openat | /dev/ublk-control | EACCES | sudo
                    openat | /srv/a.img | ENOENT | no such file: /srv/a.img
                    openat | /srv/a.img | EACCES | no permission to open /srv/a.img
                    openat | /srv | EISDIR | /srv is a folder
                    openat | /srv/a.img | EROFS | --read-only
                    openat | /dev/sda | EBUSY | /dev/sda is in use
                    UBLK_U_CMD_ADD_DEV | device 3 | EEXIST | device 3 already exists
                    UBLK_U_CMD_DEL_DEV | device 3 | ENODEV | there is no device 3
                    UBLK_U_CMD_ADD_DEV | new device | EPERM | only root may add this device
                    UBLK_U_CMD_ADD_DEV | new device | EPERM | --unprivileged adds one of your own
                    UBLK_U_CMD_DEL_DEV | device 3 | EPERM | no permission
                    UBLK_U_CMD_SET_PARAMS | device 3 | EINVAL | UBLK_U_CMD_SET_PARAMS
                    io_uring_setup | ring | EPERM | io_uring_disabled
                    io_uring_setup | ring | ENOMEM | RLIMIT_MEMLOCK is
                    io_uring_setup | ring | ENOMEM | ulimit -l, or LimitMEMLOCK=
                    openat | /dev/sda | EMFILE | ulimit -n, or LimitNOFILE=
                    io_uring_setup | ring | EMFILE | ulimit -n
                    mmap | 1 byte | ENOMEM | not enough memory
                    """)
    void ofARefusedCallSaysWhatItMeans(String call, String object, Errno errno, String part) {
        assertThat(Explanation.of(new LinuxException(call, object, errno.negated())))
                .contains(part);
    }

    @Test
    void ofALimitOfThreadsNamesIt() {
        OutOfMemoryError error = new OutOfMemoryError("unable to create native thread: or so");
        assertThat(Explanation.of(error)).contains("ulimit -u", "TasksMax=").doesNotContain("\n");
        assertThat(Explanation.of(new OutOfMemoryError("Java heap space")))
                .contains("Java heap space", "-Xmx");
    }

    @ParameterizedTest
    @EnumSource(Errno.class)
    void ofAnyRefusalIsOneLine(Errno errno) {
        for (String call : new String[] {"openat", "UBLK_U_CMD_ADD_DEV", "io_uring_setup", "x"}) {
            assertThat(Explanation.of(new LinuxException(call, "o", errno.negated())))
                    .isNotBlank()
                    .doesNotContain("\n");
        }
    }

    @Test
    void ofATimeoutNamesTheCommand() {
        assertThat(
                        Explanation.of(
                                new ControlTimeoutException(
                                        "UBLK_U_CMD_START_DEV",
                                        "device 3",
                                        Duration.ofSeconds(1),
                                        new CompletableFuture<>())))
                .contains("did not complete a command in time", "UBLK_U_CMD_START_DEV", "device 3");
    }

    @Test
    void ofAnUnfitFileIsItsOwn() {
        assertThat(Explanation.of(new UnfitFileException(Path.of("/srv/a"), "is empty")))
                .isEqualTo("/srv/a is empty");
    }

    @Test
    void ofSomethingUnexpectedNamesItAndTheWayToMore() {
        assertThat(Explanation.of(new IllegalStateException("what\n now")))
                .isEqualTo(
                        "unexpected IllegalStateException: what; now; --debug prints the stack trace");
    }
}
