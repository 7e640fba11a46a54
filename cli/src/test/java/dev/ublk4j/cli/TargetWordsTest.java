package dev.ublk4j.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.ublk4j.cli.output.Failure;
import dev.ublk4j.server.Geometry;
import dev.ublk4j.server.Target;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@DisplayName("The words of a target")
class TargetWordsTest {
    @TempDir Path folder;

    private static Geometry geometry(List<String> words) {
        try (Target target = TargetWords.read(words).kind().openShaped()) {
            return target.geometry();
        }
    }

    @Test
    void makeTheSameTargetAgain() throws IOException {
        Path file = folder.resolve("a disk");
        Files.write(file, new byte[1 << 16]);
        List<String> words =
                List.of("file", "--block-size=4K", "--read-only", "--buffered", file.toString());

        assertThat(TargetWords.read(words).kind().words()).isEqualTo(words);
        assertThat(geometry(words).size()).isEqualTo(1 << 16);
        assertThat(geometry(words).logicalBlockSize()).isEqualTo(4096);
        assertThat(geometry(words).readOnly()).isTrue();
    }

    @Test
    void keepWhichPartOfAFileItIs() throws IOException {
        Path file = folder.resolve("disk");
        Files.write(file, new byte[1 << 16]);
        List<String> words =
                List.of(
                        "file",
                        "--force",
                        "--no-lock",
                        "--offset=4K",
                        "--size=8K",
                        file.toString());

        assertThat(TargetWords.read(words).kind().words()).isEqualTo(words);
        assertThat(geometry(words).size()).isEqualTo(8192);
        assertThat(geometry(List.of("file", "--offset=4K", file.toString())).size())
                .isEqualTo((1 << 16) - 4096);
        assertThat(geometry(List.of("file", "--offset=0", file.toString())).size())
                .isEqualTo(1 << 16);
        assertThat(TargetWords.read(words).kind().source())
                .isNotEqualTo(TargetWords.read(List.of("file", file.toString())).kind().source());
    }

    @Test
    void nameFilesFromAnyFolder() {
        assertThat(TargetWords.read(List.of("loop", "disk.img")).kind().words())
                .containsExactly("file", Path.of("disk.img").toAbsolutePath().toString());
        assertThat(
                        TargetWords.read(
                                        List.of(
                                                "target",
                                                "--class=a.B",
                                                "--jar=b.jar",
                                                "--",
                                                "-x",
                                                "y"))
                                .kind()
                                .words())
                .containsExactly(
                        "target",
                        "--jar=" + Path.of("b.jar").toAbsolutePath(),
                        "--arg=-x",
                        "--arg=y",
                        "a.B");
    }

    @Test
    void ofAnArgumentThatLooksLikeAnOptionSurvive() {
        List<String> words = List.of("target", "--class=a.B", "--", "--size", "-r");

        List<String> again = TargetWords.read(words).kind().words();
        assertThat(again).containsExactly("target", "--arg=--size", "--arg=-r", "a.B");
        assertThat(TargetWords.read(again).kind().words()).isEqualTo(again);
    }

    @Test
    void thatMakeNoSenseAreRefusedInOneLine() {
        assertThatThrownBy(() -> TargetWords.read(List.of("floppy")))
                .isInstanceOf(Failure.class)
                .hasMessageContaining("cannot open the target again");
    }
}
