package dev.ublk4j.cli.serve;

import static java.nio.file.LinkOption.NOFOLLOW_LINKS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.ublk4j.cli.output.Failure;
import java.io.IOException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

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

        folder().remove(ServedName.device(3), EARLIER);
        assertThat(files()).containsExactly("3.json");

        folder().remove(ServedName.device(3), SELF);
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

    @ParameterizedTest
    @ValueSource(
            strings = {
                "echo '{\"somebody\": \"else\"}' >3.json",
                "mkdir 3.json",
                "mkfifo 3.json",
                "ln -s elsewhere 3.json",
                "echo precious >other; ln -s other 3.json"
            })
    void leavesAloneWhatIsWhereAStateFileIsToBe(String somebody) throws Exception {
        Path folder = Files.createDirectory(path.resolve("run"));
        shell(folder, somebody);
        Object before = Files.readAttributes(folder.resolve("3.json"), "unix:ino", NOFOLLOW_LINKS);

        assertThatThrownBy(() -> folder().write(device(3, SELF)))
                .isInstanceOf(FileSystemException.class)
                .hasMessageContaining("3.json: is not a server's, and is left alone");

        assertThat(Files.readAttributes(folder.resolve("3.json"), "unix:ino", NOFOLLOW_LINKS))
                .isEqualTo(before);
        assertThat(files()).doesNotContain(".state").hasSizeLessThanOrEqualTo(2);
    }

    @ParameterizedTest
    @ValueSource(strings = {"mkdir 7.log", "mkfifo 7.log", "ln -s elsewhere 7.log"})
    void letsALogKeepItsNameWhereSomethingElseIs(String somebody) throws Exception {
        Path log = folder().newLog();
        shell(path.resolve("run"), somebody);

        assertThat(folder().nameLog(log, "7")).isEqualTo(log).exists();
        assertThat(files()).contains("7.log").hasSize(2);
    }

    private static void shell(Path folder, String script) throws Exception {
        Process process =
                new ProcessBuilder("bash", "-c", script)
                        .directory(folder.toFile())
                        .inheritIO()
                        .start();
        assertThat(process.waitFor()).isZero();
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
    void isStandardForWhoMayWriteThere() {
        assertThat(RunFolder.choose(Map.of("XDG_RUNTIME_DIR", "/x"), path.resolve("ublk4j"), 7))
                .isEqualTo(path.resolve("ublk4j"));
    }

    @Test
    void isAUsersOwnForWhoMayNot() {
        Path nowhere = path.resolve("missing/ublk4j");
        String session = path.toString();

        assertThat(RunFolder.choose(Map.of("XDG_RUNTIME_DIR", session), nowhere, 7))
                .isEqualTo(path.resolve("ublk4j"));
        assertThat(RunFolder.choose(Map.of(), nowhere, 7)).isEqualTo(Path.of("/tmp/ublk4j-7"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "relative", "/no/such/session"})
    void isNotTheSessionOfSomebodyElse(String session) {
        Path nowhere = path.resolve("missing/ublk4j");

        assertThat(RunFolder.choose(Map.of("XDG_RUNTIME_DIR", session), nowhere, 7))
                .isEqualTo(Path.of("/tmp/ublk4j-7"));
    }

    @Test
    void ofOneUserIsMadeForHimAlone() throws IOException {
        RunFolder own = new RunFolder(path.resolve("run"), ProcessUser.uid());

        own.write(device(3, SELF));

        assertThat(own.readOrNull(3)).isEqualTo(device(3, SELF));
        assertThat(Files.getPosixFilePermissions(path.resolve("run")))
                .isEqualTo(PosixFilePermissions.fromString("rwx------"));
    }

    @Test
    void thatOthersCanWriteToIsNeitherWrittenNorBelieved() throws IOException {
        folder().write(device(3, SELF));
        Files.setPosixFilePermissions(
                path.resolve("run"), PosixFilePermissions.fromString("rwxrwxrwx"));
        RunFolder own = new RunFolder(path.resolve("run"), ProcessUser.uid());

        assertThatThrownBy(() -> own.write(device(4, SELF)))
                .isInstanceOf(FileSystemException.class);
        assertThatThrownBy(own::newLog).hasMessageContaining("this user alone");
        assertThat(own.readOrNull(3)).isNull();
        assertThat(own.served()).isEmpty();
    }

    @Test
    void ofSomebodyElseIsNotBelieved() throws IOException {
        folder().write(device(3, SELF));

        RunFolder others = new RunFolder(path.resolve("run"), ProcessUser.uid() + 1);

        assertThat(others.readOrNull(3)).isNull();
        assertThat(others.served()).isEmpty();
    }

    @Test
    void behindALinkIsNotBelieved() throws IOException {
        folder().write(device(3, SELF));
        Path link = Files.createSymbolicLink(path.resolve("link"), path.resolve("run"));
        RunFolder linked = new RunFolder(link, ProcessUser.uid());

        assertThat(linked.readOrNull(3)).isNull();
        assertThatThrownBy(linked::newLog).isInstanceOf(FileSystemException.class);
    }

    @Test
    void ofSeveralTheOneWithALivingServerCounts() throws IOException {
        RunFolder own = folder();
        RunFolder roots = new RunFolder(path.resolve("roots"));
        own.write(device(1, EARLIER));
        own.write(device(2, EARLIER));
        roots.write(device(2, SELF));
        roots.write(device(3, EARLIER));
        RunFolders all = new RunFolders(List.of(own, roots));

        assertThat(all.served()).containsExactly(1, 2, 3);
        assertThat(all.readOrNull(1)).isEqualTo(device(1, EARLIER));
        assertThat(all.readOrNull(2)).isEqualTo(device(2, SELF));
        assertThat(all.readOrNull(3)).isEqualTo(device(3, EARLIER));
        assertThat(all.of(ServedName.device(2))).isSameAs(roots);
        assertThat(all.readOrNull(4)).isNull();
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
    void aProcessIsKnownWhateverBytesItsNameIs() throws Exception {
        Process process =
                new ProcessBuilder(
                                "bash",
                                "-c",
                                "printf '\\xff' >/proc/$$/comm && echo named && read -r")
                        .start();
        try {
            assertThat(process.inputReader().readLine()).isEqualTo("named");
            assertThat(ProcessIdentity.ofOrNull(process.pid())).isNotNull();
        } finally {
            process.destroy();
        }
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
    void whatIsNoReportIsWhatTheServerHasToSay() {
        String line = "Error occurred during initialization of VM";

        assertThatThrownBy(() -> Report.checked(line))
                .isInstanceOf(Failure.class)
                .hasMessage("the server did not start: " + line);
    }

    @Test
    void aServerThatCrashesSaysHowAndWhere() {
        List<String> said =
                List.of(
                        "# A fatal error has been detected by the Java Runtime Environment:",
                        "#",
                        "#  SIGILL (0x4) at pc=0x00007f, pid=7, tid=9",
                        "#",
                        "# JRE version: 25",
                        "# Java VM: 64-Bit Server VM",
                        "# Problematic frame:",
                        "# J 12 c1 a.B.c()V (1 bytes) @ 0x00007f [0x00007f+0x0000000000000000]",
                        "#",
                        "# Core dump will be written.");

        assertThat(Report.ofCrash(said.stream()))
                .contains("SIGILL (0x4)", "J 12 c1 a.B.c()V")
                .doesNotContain("#", "Core dump", "\n");
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

    @Test
    void aServerHasNoOptionThatTheLauncherGivesToShortCommands() throws IOException {
        Matcher launcher =
                Pattern.compile("-n \\$is_short \\]\\]; then options\\+=\\(([^)]*)\\)")
                        .matcher(Files.readString(Path.of("..", "ublk4j")));
        assertThat(launcher.find()).isTrue();
        List<String> given = List.of(launcher.group(1).split(" "));
        List<String> own = Stream.concat(Stream.of("/jdk/bin/java"), given.stream()).toList();

        assertThat(Background.command(own, Path.of("/run/x.log")))
                .doesNotContainAnyElementsOf(given);
    }
}
