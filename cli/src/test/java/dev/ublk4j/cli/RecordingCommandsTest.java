package dev.ublk4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.ublk4j.embedded.Disk;
import dev.ublk4j.embedded.EmbeddedDriver;
import dev.ublk4j.server.Device;
import dev.ublk4j.server.DeviceOptions;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@DisplayName("A recording on the command line")
@Timeout(value = 5, unit = TimeUnit.MINUTES)
class RecordingCommandsTest {
    private static final int BLOCK = 4096;

    @TempDir Path folder;

    private String path(String name) {
        return folder.resolve(name).toString();
    }

    private static TargetKind kind(String... words) {
        return TargetWords.read(List.of(words)).kind();
    }

    @BeforeEach
    void record() throws IOException {
        SampleRecording.make(folder);
        Files.delete(folder.resolve("check.sh"));
    }

    @Test
    void isMadeByALayer() {
        TargetKind kind = kind("memory", "1M", "--layer=record,to=" + path("more.rec"));
        assertThat(kind.spec())
                .hasToString("record(memory:1M; to=%s, limit=16G)".formatted(path("more.rec")));
        try (EmbeddedDriver driver = EmbeddedDriver.create();
                Arena arena = Arena.ofShared();
                Device device = Device.start(driver, kind.openShaped(), DeviceOptions.defaults());
                Disk disk = driver.openBlock(device.id())) {
            disk.write(arena.allocate(BLOCK, BLOCK).fill((byte) 1), 0);
        }
        assertThat(Run.of("replay", path("more.rec"), path("c"), "--until", "1").status()).isZero();
    }

    private List<String> files() throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.map(each -> each.getFileName().toString()).sorted().toList();
        }
    }

    @Test
    void isReplayedUntilAnInstant() throws IOException {
        Run replay = Run.of("replay", path("disk.rec"), path("copy.img"), "--until", "7");

        assertThat(replay.status()).as(replay.err()).isZero();
        byte[] copy = Files.readAllBytes(folder.resolve("copy.img"));
        assertThat(copy).hasSize(1 << 20);
        assertThat(copy[7 * BLOCK]).isEqualTo((byte) 7);
        assertThat(copy[8 * BLOCK]).isZero();
    }

    @Test
    void isADiskOfItsOwn() {
        try (EmbeddedDriver driver = EmbeddedDriver.create();
                Arena arena = Arena.ofShared();
                Device device =
                        Device.start(
                                driver,
                                kind("recording", path("disk.rec"), "--until", "7").openShaped(),
                                DeviceOptions.defaults());
                Disk disk = driver.openBlock(device.id())) {
            MemorySegment block = arena.allocate(2L * BLOCK, BLOCK);
            disk.read(block, 7L * BLOCK);
            assertThat(block.get(ValueLayout.JAVA_BYTE, 0)).isEqualTo((byte) 7);
            assertThat(block.get(ValueLayout.JAVA_BYTE, BLOCK)).isZero();
        }
    }

    @Test
    void isBisectedToTheWriteAfterWhichACheckFails() throws IOException {
        // The check destroys its image, which is another each time.
        String check =
                "f() { cmp -s -n 1 -i 53248:0 \"$1\" /dev/zero; s=$?; : >\"$1\"; return $s; }; f";
        Run bisect =
                Run.of(
                        "bisect",
                        path("disk.rec"),
                        "--check",
                        check,
                        "--folder",
                        folder.toString(),
                        "--save",
                        path("bad.img"));

        assertThat(bisect.status()).as(bisect.err()).isZero();
        assertThat(bisect.out().lines().toList())
                .containsExactly(
                        "the check fails after 13: write, 4096 bytes at 53248",
                        "the last mark before it is: after mkfs",
                        "6 images were checked",
                        "the image is " + path("bad.img"));
        assertThat(files()).containsExactly("bad.img", "disk.rec");
    }

    @Test
    void isNotBisectedByACheckThatCannotDecide() throws IOException {
        assertThat(bisect("true").err())
                .contains("the check holds at the end of the recording, after 20 requests");
        assertThat(bisect("false").err()).contains("the check fails before the first request");
        assertThat(bisect("false", "--timeout", "0s").err())
                .contains("--timeout is no time at all");
        assertThat(bisect("./no-such-check").err()).contains("the check cannot be run");
        assertThat(files()).containsExactly("disk.rec");
    }

    @Test
    void isBisectedByACheckThatHangsAndIsEnded() throws IOException {
        String check = "f() { cmp -s -n 1 -i 4096:0 \"$1\" /dev/zero || sleep 7654; }; f";
        Run bisect =
                Run.of(
                        "bisect",
                        path("disk.rec"),
                        "--check",
                        check,
                        "--timeout",
                        "1500ms",
                        "--folder",
                        folder.toString());

        assertThat(bisect.err()).contains("did not end within 1500ms");
        assertThat(bisect.status()).isZero();
        assertThat(bisect.out()).contains("the check fails after 1: write, 4096 bytes at 4096");
        assertThat(ProcessHandle.current().descendants()).isEmpty();
        assertThat(files()).containsExactly("disk.rec");
    }

    @Test
    void leavesNoCheckBehindWhenItIsEnded() throws Exception {
        Path began = folder.resolve("began");
        List<String> words =
                Program.words(
                        "bisect",
                        path("disk.rec"),
                        "--check",
                        "f() { sleep 7655 & echo $! >%s; wait; }; f".formatted(began),
                        "--folder",
                        folder.toString());
        Process bisect =
                new ProcessBuilder(words)
                        .redirectErrorStream(true)
                        .redirectOutput(folder.resolve("log").toFile())
                        .start();
        try {
            while (bisect.isAlive() && (!Files.exists(began) || Files.size(began) == 0)) {
                LockSupport.parkNanos(1_000_000);
            }
            long pid = Long.parseLong(Files.readString(began).strip());
            ProcessHandle sleeper = ProcessHandle.of(pid).orElseThrow();
            bisect.destroy();
            assertThat(bisect.waitFor(1, TimeUnit.MINUTES)).isTrue();
            sleeper.onExit().get(1, TimeUnit.MINUTES);
            assertThat(files()).containsExactly("began", "disk.rec", "log");
            assertThat(folder.resolve("log")).content().doesNotContain("the check fails");
        } finally {
            bisect.descendants().forEach(ProcessHandle::destroyForcibly);
            bisect.destroyForcibly();
        }
    }

    @Test
    void saysThatARecordingIsCutOff() throws Exception {
        Path recording = folder.resolve("disk.rec");
        Files.write(recording, Arrays.copyOf(Files.readAllBytes(recording), 4096 + 5000));
        Process replay =
                new ProcessBuilder(Program.words("replay", recording.toString(), path("c")))
                        .redirectErrorStream(true)
                        .start();
        assertThat(new String(replay.getInputStream().readAllBytes(), StandardCharsets.UTF_8))
                .contains("is damaged or cut off")
                .contains("0 requests are there");
        assertThat(replay.waitFor()).isZero();
    }

    @Test
    void replacesNothingThatIsNoFile() throws IOException {
        Files.createDirectory(folder.resolve("empty"));

        assertThat(bisect("true", "--save", path("empty")).err())
                .contains("no file that --save may replace");
        assertThat(folder.resolve("empty")).isDirectory();
    }

    private Run bisect(String check, String... more) {
        List<String> words = new ArrayList<>(List.of("bisect", path("disk.rec"), "--check", check));
        words.addAll(List.of("--folder", folder.toString()));
        words.addAll(List.of(more));
        Run bisect = Run.of(words.toArray(String[]::new));
        assertThat(bisect.status()).isNotZero();
        return bisect;
    }

    @Test
    void isNotWrittenOverByWhatIsMadeOfIt() throws IOException {
        byte[] before = Files.readAllBytes(folder.resolve("disk.rec"));
        Files.createSymbolicLink(folder.resolve("link"), folder.resolve("disk.rec"));

        assertThat(Run.of("replay", path("disk.rec"), path("link")).err())
                .contains("link is the recording itself");
        assertThat(
                        Run.of(
                                        "bisect",
                                        path("disk.rec"),
                                        "--check",
                                        "true",
                                        "--save",
                                        path("disk.rec"))
                                .err())
                .contains("disk.rec is the recording itself");
        assertThat(Files.readAllBytes(folder.resolve("disk.rec"))).isEqualTo(before);
    }

    @Test
    void thatIsWrongIsSaidInOneLine() throws IOException {
        Files.write(folder.resolve("noise"), new byte[9000]);
        Files.write(folder.resolve("small"), new byte[9000]);
        assertThat(Run.of("replay", path("noise"), path("c")).err())
                .startsWith("ublk4j: ")
                .contains("noise is no recording of a disk");
        assertThat(Run.of("replay", path("none"), path("c")).err())
                .startsWith("ublk4j: ")
                .contains("none");
        assertThat(Run.of("replay", path("disk.rec"), path("small")).err())
                .contains("of a disk of 1048576 bytes")
                .contains("has 9000");
        assertThat(Run.of("replay", path("disk.rec"), path("c"), "--until", "21").err())
                .contains("has 20 requests, and no number 21");
        assertThat(Run.of("replay", path("disk.rec"), path("c"), "--until", "x").err())
                .contains("has no mark 'x'; those are: after mkfs");
        assertThat(Run.of("replay", path("disk.rec"), path("c"), "--lose", "x").err())
                .contains("'x' is neither all nor");
    }
}
