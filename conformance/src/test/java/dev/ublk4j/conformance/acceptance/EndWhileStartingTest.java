package dev.ublk4j.conformance.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import dev.ublk4j.driver.control.Control;
import dev.ublk4j.kernel.KernelDriver;
import dev.ublk4j.uapi.DeviceState;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Commands that are told to end (SIGTERM) in the midst of starting a server. */
@Tag("kernel")
@Tag("any-kernel")
final class EndWhileStartingTest {
    private static final int ID = 7;
    private static final int TERMINATED = 128 + 15;

    @TempDir Path folder;

    private final KernelDriver driver = KernelDriver.open();
    private final Control control = new Control(driver);

    @AfterEach
    void stop() {
        new Commands(folder).tryRun("ublk4j del --all");
        driver.close();
    }

    private boolean isThere(String pattern) throws IOException {
        Path file = folder.resolve(pattern);
        if (!Files.isDirectory(file.getParent())) {
            return false;
        }
        try (DirectoryStream<Path> found =
                Files.newDirectoryStream(file.getParent(), file.getFileName().toString())) {
            return found.iterator().hasNext();
        }
    }

    /** {@return whether the command has told of the device before its end} */
    private boolean endsOnceThereIs(String seen, String... words) throws Exception {
        Path output = folder.resolve("output");
        Process command = new Commands(folder).startAlone(output, words);
        try {
            while (command.isAlive() && !isThere(seen)) {
                Thread.sleep(1);
            }
            command.destroy();
            assertThat(command.waitFor()).isIn(0, TERMINATED);
        } finally {
            command.destroyForcibly();
        }
        assertThat(isThere("run/starting-*.log")).as("a log is left").isFalse();
        return Files.readString(output).contains("/dev/ublkb");
    }

    @ParameterizedTest
    @ValueSource(strings = {"/dev/ublkc7", "run/7.log"})
    void anAddLeavesNothingUnlessItHasToldOfTheDevice(String seen) throws Exception {
        boolean isTold = endsOnceThereIs(seen, "add", "memory", "1M", "-n", Integer.toString(ID));

        if (!isTold) {
            assertThat(KernelDriver.charPath(ID)).doesNotExist();
            assertThat(folder.resolve("run/7.json")).doesNotExist();
        }
    }

    @Test
    void aRecoverLeavesTheDeviceToTheNext() throws Exception {
        Commands commands = new Commands(folder);
        commands.run(
                """
                truncate -s 8M disk.img
                ublk4j add file disk.img -n 7 --recovery wait
                echo kept | dd of=/dev/ublkb7 conv=fsync status=none
                """);
        commands.run("kill -9 $(sed 's/.*\"pid\":\\([0-9]*\\).*/\\1/' run/7.json)");
        for (String seen : new String[] {"run/7.log"}) {
            Files.deleteIfExists(folder.resolve("run/7.control"));
            Files.deleteIfExists(folder.resolve("run/7.log"));
            awaitState(DeviceState.UBLK_S_DEV_QUIESCED);
            boolean isTold = endsOnceThereIs(seen, "recover", Integer.toString(ID));
            if (isTold) {
                commands.tryRun("ublk4j quiesce 7");
            }
        }
        awaitState(DeviceState.UBLK_S_DEV_QUIESCED);
        assertThat(commands.run("ublk4j recover 7; head -c 4 /dev/ublkb7")).contains("kept");
    }

    private void awaitState(int state) throws InterruptedException {
        while (control.info(ID).state() != state) {
            Thread.sleep(10);
        }
    }
}
