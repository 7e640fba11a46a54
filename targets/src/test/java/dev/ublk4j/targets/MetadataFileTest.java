package dev.ublk4j.targets;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.ublk4j.server.IntegrityFormat;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MetadataFileTest {
    private static final long SIZE = 1 << 20;
    private static final IntegrityFormat TYPE1 = IntegrityFormat.t10Type1();
    private static final long METADATA = SIZE / 512 * 8;

    @TempDir Path folder;

    private Path path;

    @BeforeEach
    void name() {
        path = folder.resolve("disk.img.integrity");
    }

    private void open(IntegrityFormat format, boolean isNew) throws IOException {
        MetadataFile file = MetadataFile.open(path, SIZE, format, false);
        try (FileTarget target = file.target()) {
            assertThat(file.isNew()).isEqualTo(isNew);
            assertThat(target.geometry().size()).isEqualTo(METADATA);
        }
    }

    @Test
    void isMadeOnceAndFoundAgain() throws IOException {
        open(TYPE1, true);
        assertThat(Files.size(path)).isEqualTo(METADATA + 4096);
        open(TYPE1, false);
    }

    @Test
    void aFileOfNothingButAHoleIsTaken() throws IOException {
        try (RandomAccessFile file = new RandomAccessFile(path.toFile(), "rw")) {
            file.setLength(METADATA);
        }
        open(TYPE1, false);
        assertThat(Files.size(path)).isEqualTo(METADATA + 4096);
        open(TYPE1, false);
    }

    @Test
    void anotherFormatIsRefused() throws IOException {
        open(TYPE1, true);
        byte[] before = Files.readAllBytes(path);
        for (IntegrityFormat other :
                new IntegrityFormat[] {
                    IntegrityFormat.t10Type3(),
                    TYPE1.withMetadataSize(16),
                    TYPE1.withChecksum(IntegrityFormat.Checksum.IP)
                }) {
            assertThatThrownBy(() -> open(other, false))
                    .isInstanceOf(UnfitFileException.class)
                    .hasMessageContaining("is of another format");
        }
        assertThat(Files.readAllBytes(path)).isEqualTo(before);
    }

    @Test
    void dataOfAnotherSizeIsRefused() throws IOException {
        open(TYPE1, true);
        assertThatThrownBy(() -> MetadataFile.open(path, 2 * SIZE, TYPE1, false))
                .isInstanceOf(UnfitFileException.class)
                .hasMessageContaining(
                        "is the metadata of 1048576 bytes of data, and there are 2097152");
    }

    @Test
    void aFileOfAnotherKindIsRefusedAndLeftAlone() throws IOException {
        for (int bytes : new int[] {1, 4096, 100_000}) {
            byte[] other = new byte[bytes];
            other[bytes / 2] = 1;
            Files.write(path, other);
            assertThatThrownBy(() -> open(TYPE1, false))
                    .isInstanceOf(UnfitFileException.class)
                    .hasMessageContaining("has data, and is no metadata");
            assertThat(Files.readAllBytes(path)).isEqualTo(other);
        }
    }

    @Test
    void aDamagedPageIsRefused() throws IOException {
        open(TYPE1, true);
        byte[] bytes = Files.readAllBytes(path);
        bytes[(int) METADATA + 16] ^= 1;
        Files.write(path, bytes);
        assertThatThrownBy(() -> open(TYPE1, false)).hasMessageContaining("is no metadata");
    }

    @Test
    void oneServerHasItAtATime() throws IOException {
        try (FileTarget _ = MetadataFile.open(path, SIZE, TYPE1, false).target()) {
            assertThatThrownBy(() -> open(TYPE1, false))
                    .isInstanceOf(UnfitFileException.class)
                    .hasMessageContaining("in use by another server");
        }
        open(TYPE1, false);
    }

    @Test
    void noneIsMadeForADeviceThatIsReadOnly() throws IOException {
        assertThatThrownBy(() -> MetadataFile.open(path, SIZE, TYPE1, true))
                .isInstanceOf(UnfitFileException.class)
                .hasMessageContaining("read-only");
        assertThat(path).doesNotExist();
        open(TYPE1, true);
        MetadataFile.open(path, SIZE, TYPE1, true).target().close();
    }

    @Test
    void theFormatThatItIsOfIsNamedBesideTheOneThatIsWanted() throws IOException {
        IntegrityFormat made = TYPE1.withMetadataSize(16).withOffset(8);
        MetadataFile.open(path, SIZE, made, false).target().close();
        assertThatThrownBy(() -> open(IntegrityFormat.t10Type3(), false))
                .hasMessageEndingWith(
                        "is of another format, T10-DIF-TYPE1-CRC, 16 bytes for 512 from byte 8 on,"
                                + " and not of T10-DIF-TYPE3-CRC, 8 bytes for 512");
    }

    @Test
    void aPipeIsNotWaitedForAndNothingButARegularFileIsTaken() throws Exception {
        assertThat(new ProcessBuilder("mkfifo", path.toString()).start().waitFor()).isZero();
        for (Path other : List.of(path, folder, Path.of("/dev/null"))) {
            assertThatThrownBy(() -> MetadataFile.open(other, SIZE, TYPE1, false))
                    .isInstanceOf(UnfitFileException.class)
                    .hasMessageContaining("is no regular file");
        }
    }

    @Test
    void aLinkIsFollowedUnlessItLeadsNowhere() throws IOException {
        Path link = Files.createSymbolicLink(folder.resolve("link"), path);
        assertThatThrownBy(() -> MetadataFile.open(link, SIZE, TYPE1, false))
                .isInstanceOf(UnfitFileException.class)
                .hasMessageContaining("link to what is not there");
        open(TYPE1, true);
        MetadataFile.open(link, SIZE, TYPE1, false).target().close();
    }

    @Test
    void aPageBehindMoreOrLessThanTheMetadataIsRefused() throws IOException {
        open(TYPE1, true);
        byte[] all = Files.readAllBytes(path);
        byte[] page = Arrays.copyOfRange(all, (int) METADATA, all.length);
        for (int before : new int[] {0, (int) METADATA - 4096, (int) METADATA + 4096}) {
            byte[] other = Arrays.copyOf(new byte[before], before + 4096);
            System.arraycopy(page, 0, other, before, 4096);
            Files.write(path, other);
            assertThatThrownBy(() -> open(TYPE1, false))
                    .isInstanceOf(UnfitFileException.class)
                    .hasMessageContaining(
                            "has %d bytes of metadata, and not the %d", before, METADATA);
        }
    }

    @Test
    void whatADeviceHadIsNotMadeAnew() throws IOException {
        assertThatThrownBy(() -> MetadataFile.openAgain(path, SIZE, TYPE1, false))
                .isInstanceOf(UnfitFileException.class)
                .hasMessageContaining("the device had some");
        assertThat(path).doesNotExist();
        Files.createFile(path);
        assertThatThrownBy(() -> MetadataFile.openAgain(path, SIZE, TYPE1, false))
                .hasMessageContaining("the device had some");
        assertThat(path).isEmptyFile();
        open(TYPE1, false);
        MetadataFile.openAgain(path, SIZE, TYPE1, false).target().close();
    }

    @Test
    void metadataIsInUseOnceABlockHasBeenWritten() throws IOException {
        assertThat(MetadataFile.isInUseFor(path)).isFalse();
        open(TYPE1, true);
        assertThat(MetadataFile.isInUseFor(path)).isFalse();
        try (RandomAccessFile file = new RandomAccessFile(path.toFile(), "rw")) {
            file.seek(4096);
            file.write(1);
        }
        assertThat(MetadataFile.isInUseFor(path)).isTrue();
        Files.write(path, new byte[(int) METADATA + 4096]);
        assertThat(MetadataFile.isInUseFor(path)).isFalse();
    }
}
