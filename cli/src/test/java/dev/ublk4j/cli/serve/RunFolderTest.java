package dev.ublk4j.cli.serve;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.ublk4j.cli.output.Failure;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@DisplayName("The run folder")
class RunFolderTest {
    private static final ProcessIdentity SELF = ProcessIdentity.current();

    /** This process's number, but a process that started at another time. */
    private static final ProcessIdentity EARLIER =
            new ProcessIdentity(SELF.pid(), SELF.startTicks() - 1);

    @TempDir Path path;

    private static ServedDevice device(int id, ProcessIdentity server) {
        return new ServedDevice(
                id,
                server,
                "file",
                "/srv/my \"disk\".img",
                2,
                64,
                65536,
                1L << 40,
                4096,
                false,
                Instant.parse("2026-01-02T03:04:05Z"),
                "/run/ublk4j/3.log",
                List.of("file", "--buffered", "/srv/my \"disk\".img"));
    }

    private RunFolder folder() {
        return new RunFolder(path.resolve("run"));
    }

    private List<String> files() throws IOException {
        try (Stream<Path> files = Files.list(path.resolve("run"))) {
            return files.map(file -> file.getFileName().toString()).sorted().toList();
        }
    }

    @Test
    void keepsWhatAServerWroteAndNothingElse() throws IOException {
        folder().write(device(3, SELF));
        folder().write(device(3, SELF));

        assertThat(folder().readOrNull(3)).isEqualTo(device(3, SELF));
        assertThat(files()).containsExactly("3.json");
    }

    @Test
    void knowsNothingOfADeviceWithoutAFile() {
        assertThat(folder().readOrNull(3)).isNull();
    }

    @Test
    void takesADamagedFileForNone() throws IOException {
        folder().write(device(3, SELF));
        Files.writeString(path.resolve("run/3.json"), "{\"id\":3,");

        assertThat(folder().readOrNull(3)).isNull();
    }

    @Test
    void lossesAFileOnlyToItsOwnServer() throws IOException {
        folder().write(device(3, SELF));

        folder().remove(3, EARLIER);
        assertThat(files()).containsExactly("3.json");

        folder().remove(3, SELF);
        assertThat(files()).isEmpty();
    }

    @Test
    void isCleanedOfDevicesThatAreGoneWithTheirServers() throws IOException {
        folder().write(device(1, EARLIER));
        folder().write(device(2, EARLIER));
        folder().write(device(3, SELF));

        folder().clean(Set.of(1));

        assertThat(files()).containsExactly("1.json", "3.json");
    }

    @Test
    void keepsWhatNoServerHasLeftThere() throws IOException {
        folder().write(device(2, EARLIER));
        Files.writeString(path.resolve("run/2024.json"), "{\"somebody\": \"else's\"}");
        Files.writeString(path.resolve("run/2.control"), "no socket");

        folder().clean(Set.of());

        assertThat(files()).containsExactly("2.control", "2024.json");
    }

    @Test
    void needNotExistToBeCleaned() {
        folder().clean(Set.of());

        assertThat(path.resolve("run")).doesNotExist();
    }

    @Test
    void namesALogAfterItsDevice() throws IOException {
        Path log = folder().newLog();
        Files.writeString(log, "hello");

        Path named = folder().nameLog(log, "7");

        assertThat(named).hasFileName("7.log").hasContent("hello");
        assertThat(files()).containsExactly("7.log");
    }

    @Test
    void isWhereTheEnvironmentSays() {
        assertThat(RunFolder.choose(Map.of("UBLK4J_RUN", "/x/y"))).isEqualTo(Path.of("/x/y"));
    }

    @Test
    void aServerIsKnownByNumberAndStart() {
        assertThat(SELF.isAlive()).isTrue();
        assertThat(EARLIER.isAlive()).isFalse();
        assertThat(new ProcessIdentity(Integer.MAX_VALUE, 1).isAlive()).isFalse();
    }

    @Test
    void aProcessNameMayContainAnything() {
        String rest = " 1 1 1 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 8150 1000 10";

        assertThat(ProcessIdentity.parseOrNull(42, "42 (a) b (c)) S" + rest))
                .isEqualTo(new ProcessIdentity(42, 8150));
        assertThat(ProcessIdentity.parseOrNull(42, "42 (gone) Z" + rest)).isNull();
    }

    @Test
    void aReportTellsOfTheDevice() {
        String line = device(3, SELF).json();

        assertThat(ServedDevice.parse(Report.checked(line))).isEqualTo(device(3, SELF));
    }

    @Test
    void aReportTellsWhyThereIsNoDevice() {
        assertThatThrownBy(() -> Report.checked(Report.failed("no \"such\" file")))
                .isInstanceOf(Failure.class)
                .hasMessage("no \"such\" file");
    }

    @Test
    void aServerIsTheSameCommandCompiledBetter() {
        List<String> command =
                Background.command(
                        List.of(
                                "/jdk/bin/java",
                                "-XX:TieredStopAtLevel=1",
                                "-cp",
                                "a.jar",
                                "dev.ublk4j.cli.Main",
                                "add",
                                "null"),
                        Path.of("/run/x.log"));

        assertThat(command.subList(command.indexOf("/jdk/bin/java"), command.size()))
                .containsExactly(
                        "/jdk/bin/java",
                        "-Dublk4j.server.log=/run/x.log",
                        "-cp",
                        "a.jar",
                        "dev.ublk4j.cli.Main",
                        "add",
                        "null");
    }
}
