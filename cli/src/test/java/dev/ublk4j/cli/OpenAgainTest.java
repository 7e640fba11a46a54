package dev.ublk4j.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.ublk4j.cli.output.Failure;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@DisplayName("The target of a device that is recovered")
class OpenAgainTest {
    @TempDir Path folder;

    @BeforeEach
    void makeImages() throws IOException {
        for (String name : List.of("a.img", "b.img")) {
            try (RandomAccessFile file =
                    new RandomAccessFile(folder.resolve(name).toFile(), "rw")) {
                file.setLength(1 << 20);
            }
        }
    }

    private TargetKind kind(String line) {
        return TargetWords.read(Words.of(line.replace("DIR", folder.toString()))).kind();
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(
            delimiter = '|',
            textBlock =
                    """
                    overlay DIR/a.img DIR/changes.img                            | changes.img,changes.img.map
                    zoned DIR/a.img --zone-size 256K --table DIR/a.zones         | a.zones
                    mirror DIR/a.img DIR/b.img --log DIR/ab.log                  | ab.log
                    qcow2 DIR/made.qcow2 --create 1M                             | made.qcow2
                    stripe 'mirror(DIR/a.img, DIR/b.img; log=DIR/ab.log)' DIR/c  | ab.log
                    """)
    void isNotMadeAnewWhereItsFilesAreGone(String line, String names) throws IOException {
        Files.copy(folder.resolve("a.img"), folder.resolve("c"));
        kind(line).openShaped().close();
        kind(line).openAgain().close();
        List<Path> files = List.of(names.split(",")).stream().map(folder::resolve).toList();
        for (Path file : files) {
            Files.delete(file);
        }
        assertThatThrownBy(() -> kind(line).openAgain())
                .isInstanceOf(Failure.class)
                .hasMessageContaining("%s is gone", files.getFirst());
        assertThat(files).allSatisfy(file -> assertThat(file).doesNotExist());
    }

    @Test
    void beginsANewRecordingWhereTheOldOneHasBeenTakenAway() throws IOException {
        String line = "file DIR/a.img --layer record,to=DIR/a.rec";
        kind(line).openShaped().close();
        Files.delete(folder.resolve("a.rec"));
        kind(line).openAgain().close();
        assertThat(folder.resolve("a.rec")).exists();
    }
}
