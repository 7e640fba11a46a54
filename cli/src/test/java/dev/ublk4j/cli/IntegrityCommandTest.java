package dev.ublk4j.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.ublk4j.cli.output.Failure;
import dev.ublk4j.server.IntegrityFormat;
import dev.ublk4j.server.IntegrityFormat.Checksum;
import dev.ublk4j.server.Target;
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

@DisplayName("A target with integrity metadata")
class IntegrityCommandTest {
    @TempDir Path folder;

    @BeforeEach
    void makeFile() throws IOException {
        for (String name : List.of("a.img", "b.img")) {
            try (RandomAccessFile file =
                    new RandomAccessFile(folder.resolve(name).toFile(), "rw")) {
                file.setLength(1 << 20);
            }
        }
    }

    private TargetKind kind(String line) {
        return TargetWords.read(Words.of(line.replaceAll("\\b([ab]\\.(img|pi))", folder + "/$1")))
                .kind();
    }

    private IntegrityFormat format(String line) {
        TargetKind kind = kind(line);
        try (Target target = kind.openShaped()) {
            assertThat(TargetWords.read(kind.words()).kind().words()).isEqualTo(kind.words());
            IntegrityFormat format = target.geometry().integrity();
            assertThat(format).isNotNull();
            return format;
        }
    }

    @Test
    void hasTheFormatOfItsOptions() {
        IntegrityFormat type1 = IntegrityFormat.t10Type1();
        assertThat(format("memory 1M --integrity t10-pi-1")).isEqualTo(type1);
        assertThat(format("null --integrity t10-pi-3 --csum-type ip --not-integrity-capable"))
                .isEqualTo(IntegrityFormat.t10Type3().withChecksum(Checksum.IP).withCapable(false));
        assertThat(format("memory 1M --integrity metadata --metadata-size 5"))
                .isEqualTo(IntegrityFormat.ofSize(5));
        assertThat(
                        format(
                                "memory 1M --integrity t10-pi-1 --csum-type nvme --metadata-size 64"
                                        + " --pi-offset 48 --tag-size 2"))
                .isEqualTo(
                        type1.withMetadataSize(64)
                                .withChecksum(Checksum.NVME)
                                .withOffset(48)
                                .withTagSize(2));
        assertThat(format("memory 1M -b 4K --integrity t10-pi-1").interval()).isEqualTo(4096);
    }

    @Test
    void keepsItBesideTheFileOrWhereItIsTold() {
        assertThat(format("file a.img --integrity t10-pi-1")).isNotNull();
        assertThat(folder.resolve("a.img.integrity")).exists();
        assertThat(format("stripe a.img b.img --integrity t10-pi-3 --metadata b.pi")).isNotNull();
        assertThat(folder.resolve("b.pi")).exists();
        assertThatThrownBy(() -> format("file a.img --integrity t10-pi-3"))
                .hasMessageContaining("is of another format");
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(
            delimiter = '|',
            textBlock =
                    """
                    memory 1M --metadata-size 8                           | need --integrity
                    memory 1M --integrity metadata                        | needs --metadata-size
                    memory 1M --integrity t10-pi-1 --metadata a.pi        | for data that is kept
                    memory 1M --integrity t10-pi-1 --csum-type none       | has a checksum
                    memory 1M --integrity t10-pi-1 --metadata-size 7      | do not fit into 7 bytes
                    memory 1M --integrity t10-pi-2                        | t10-pi-1, t10-pi-3
                    stripe a.img b.img --integrity t10-pi-1               | --metadata FILE
                    concat a.img,integrity=t10-pi-1 b.img                 | whole target of a device
                    file a.img --integrity t10-pi-1 --metadata a.img      | a.img
                    zoned a.img --integrity t10-pi-1                      | with zones has no integrity metadata
                    fault 'zoned(a.img)' --integrity t10-pi-1             | with zones has no integrity metadata
                    """)
    void isRefusedInALine(String line, String message) {
        assertThatThrownBy(() -> kind(line)).hasMessageContaining(message);
        assertThat(folder.resolve("a.img.integrity")).doesNotExist();
    }

    private void openAndClose(String line) {
        kind(line).openShaped().close();
    }

    /** As a server that writes a block. */
    private void writeMetadata(String name) throws IOException {
        try (RandomAccessFile file = new RandomAccessFile(folder.resolve(name).toFile(), "rw")) {
            file.write(1);
        }
    }

    @Test
    void isNotWrittenWithoutTheMetadataThatLiesBesideIt() throws IOException {
        openAndClose("file a.img --integrity t10-pi-1");
        openAndClose("file a.img"); // no block has been written
        writeMetadata("a.img.integrity");
        for (String line :
                List.of(
                        "file a.img",
                        "file a.img --offset 4K --size 64K",
                        "stripe a.img b.img",
                        "file a.img --integrity t10-pi-1 --metadata b.pi")) {
            assertThatThrownBy(() -> openAndClose(line))
                    .isInstanceOf(Failure.class)
                    .hasMessageContaining("has integrity metadata, %s/a.img.integrity", folder)
                    .hasMessageContaining("add --integrity as before, or -r");
        }
        assertThat(folder.resolve("b.pi")).doesNotExist();
        openAndClose("file a.img -r");
        openAndClose("file a.img --integrity t10-pi-1");
        Files.delete(folder.resolve("a.img.integrity"));
        openAndClose("file a.img");
    }

    @Test
    void hasTheSameMetadataByEachNameOfItsFile() throws IOException {
        Path links = Files.createDirectory(folder.resolve("links"));
        Path link = Files.createSymbolicLink(links.resolve("link.img"), folder.resolve("a.img"));
        Path second = Files.createSymbolicLink(folder.resolve("second.img"), link);
        openAndClose("file " + second + " --integrity t10-pi-1");
        assertThat(folder.resolve("a.img.integrity")).exists();
        assertThat(folder.resolve("second.img.integrity")).doesNotExist();
        writeMetadata("a.img.integrity");
        for (Path name : List.of(link, second)) {
            assertThatThrownBy(() -> openAndClose("file " + name))
                    .isInstanceOf(Failure.class)
                    .hasMessageContaining("has integrity metadata, %s/a.img.integrity", folder);
            openAndClose("file " + name + " --integrity t10-pi-1");
        }
    }

    @Test
    void isNotRecoveredWithoutIt() throws IOException {
        String line = "file a.img --integrity t10-pi-1";
        openAndClose(line);
        kind(line).openAgain().close();
        Path file = folder.resolve("a.img.integrity");
        Files.delete(file);
        assertThatThrownBy(() -> kind(line).openAgain())
                .hasMessageContaining("has no metadata, and the device had some");
        assertThat(file).doesNotExist();
    }
}
