package dev.ublk4j.qcow2;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.targets.BackingFile.Caching;
import dev.ublk4j.targets.UnfitFileException;
import dev.ublk4j.testkit.TestBed;
import dev.ublk4j.trials.Leaks;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Images that lie: refused with one line, or with EIO where they do. */
class HostileImageTest {
    private static final int CLUSTER = 4096;
    private static final int SIZE = 1 << 20;

    // An image that is made here: header, refcount table, refcount block, L1 table, L2 table.
    private static final int REFCOUNT_TABLE = CLUSTER;
    private static final int L1 = 3 * CLUSTER;

    @TempDir Path folder;

    private Path image() throws IOException {
        Path image = folder.resolve("disk.qcow2");
        new NewImage(SIZE, CLUSTER, null, null).create(image);
        try (TestBed bed = TestBed.of(open(image))) {
            bed.write(0, new byte[2 * CLUSTER]);
        }
        return image;
    }

    private static Qcow2Target open(Path image) {
        return Qcow2Target.open(image, Qcow2Options.of(Caching.BUFFERED));
    }

    private static void put(Path image, long at, long value, int bytes) throws IOException {
        try (RandomAccessFile file = new RandomAccessFile(image.toFile(), "rw")) {
            file.seek(at);
            for (int i = bytes - 1; i >= 0; i--) {
                file.write((int) (value >>> 8 * i));
            }
        }
    }

    private static long get(Path image, long at) throws IOException {
        try (RandomAccessFile file = new RandomAccessFile(image.toFile(), "r")) {
            file.seek(at);
            return file.readLong();
        }
    }

    @ParameterizedTest
    @CsvSource({
        "0, 1, 4, is no qcow2 image",
        "4, 4, 4, of version 4",
        "20, 8, 4, 'clusters have 2^8 bytes'",
        "20, 22, 4, 'clusters have 2^22 bytes'",
        "24, 0, 8, disk has 0 bytes",
        "24, -512, 8, disk has -512 bytes",
        "24, 4611686018427387904, 8, L1 table has 1 entries",
        "32, 1, 4, is encrypted",
        "36, -1, 4, L1 table has 4294967295 entries",
        "36, 0, 4, 'L1 table has 0 entries, and 1 are needed'",
        "40, 1, 8, L1 table is at 1",
        "40, 4611686018427387904, 8, behind the end",
        "48, 0, 8, refcount table is at 0",
        "48, 12288, 8, it has a refcount block at",
        "56, 100000, 4, refcount table has 100000 clusters",
        "60, 70000, 4, has 70000 snapshots",
        "72, 4, 8, an external data file",
        "72, 8, 8, compression type is 0",
        "72, 16, 8, subclusters",
        "72, 4096, 8, incompatible feature 12",
        "72, 1, 8, was not closed",
        "72, 2, 8, is marked as corrupt",
        "96, 7, 4, refcounts have 2^7 bits",
        "100, 0, 4, header has 0 bytes",
        "100, 65536, 4, header has 65536 bytes",
        "104, 99, 4, '' ",
        "8, 4090, 8, the name of its backing file",
        "12288, 4096, 8, two of its tables are at 4096",
        "12288, 4294967296, 8, an L2 table at 4294967296",
        "12288, 8193, 8, an L2 table at 8192",
        "4096, 512, 8, a refcount block at 512",
    })
    void aHeaderThatCannotBeIsRefusedInOneLine(int at, long value, int bytes, String message)
            throws IOException {
        Path image = image();
        put(image, at, value, bytes);
        try (Leaks _ = Leaks.watch()) {
            if (message.isBlank()) {
                // An extension that is not known is no reason to refuse an image.
                open(image).close();
                return;
            }
            assertThatThrownBy(() -> open(image))
                    .isInstanceOf(UnfitFileException.class)
                    .hasMessageContaining(message)
                    .hasMessageStartingWith(image.toString())
                    .message()
                    .doesNotContain("\n");
        }
    }

    @Test
    void aFeatureThatIsNotKnownIsCalledByTheNameThatTheImageHasForIt() throws IOException {
        Path image = image();
        put(image, 104, 0x6803f857, 4);
        put(image, 108, 48, 4);
        put(image, 112, 12, 2);
        byte[] name = "time\ntravel".getBytes(StandardCharsets.UTF_8);
        for (int i = 0; i < name.length; i++) {
            put(image, 114 + i, name[i], 1);
        }
        put(image, 72, 1 << 12, 8);
        assertThatThrownBy(() -> open(image)).hasMessageContaining("with timetravel, which is not");
    }

    @ParameterizedTest
    @CsvSource({
        "0x8000000000000000", // data at 0
        "0x8000000000001000", // over the refcount table
        "0x8000000000003000", // over the L1 table
        "itself", // over the L2 table
        "0x8000000000008200", // at no beginning of a cluster
        "0x8000000100000000", // behind the end of the file
        "0x9000000000008000", // reserved bits
        "0x4fffffffffffffff", // compressed, behind the end
    })
    void anEntryThatCannotBeFailsItsClusterAlone(String entry) throws IOException {
        Path image = image();
        byte[] data = new byte[CLUSTER];
        new Random(1).nextBytes(data);
        long l2 = get(image, L1) & 0xff_ffff_ffff_fe00L;
        long lie =
                entry.equals("itself")
                        ? l2 | Layout.COPIED
                        : Long.parseUnsignedLong(entry.substring(2), 16);
        put(image, l2 + 3 * 8, lie, 8);
        byte[] tables;
        try (TestBed bed = TestBed.of(open(image))) {
            bed.write(CLUSTER, data);
            bed.write(5 * CLUSTER, data);
            tables = Files.readAllBytes(image);
            assertThatThrownBy(() -> bed.write(3 * CLUSTER, data))
                    .isInstanceOfSatisfying(
                            LinuxException.class, e -> assertThat(e.errno()).isEqualTo(Errno.EIO));
            assertThatThrownBy(() -> bed.read(0, 16 * CLUSTER)).isInstanceOf(LinuxException.class);
            assertThatThrownBy(() -> bed.discard(0, 16 * CLUSTER))
                    .isInstanceOf(LinuxException.class);
            assertThat(bed.read(CLUSTER, CLUSTER)).isEqualTo(data);
            assertThat(bed.read(5 * CLUSTER, CLUSTER)).isEqualTo(data);
            byte[] after = Files.readAllBytes(image);
            assertThat(after).startsWith(Arrays.copyOf(tables, 5 * CLUSTER));
        }
    }

    @Test
    void aClusterThatIsCountedAsFreeAndHoldsATableIsNotHandedOut() throws IOException {
        Path image = image();
        long block = get(image, REFCOUNT_TABLE);
        put(image, block, 0, 8);
        put(image, block + 8, 0, 8);
        byte[] before = Arrays.copyOf(Files.readAllBytes(image), 2 * CLUSTER);
        byte[] data = new byte[CLUSTER];
        new Random(1).nextBytes(data);
        try (TestBed bed = TestBed.of(open(image))) {
            for (int i = 0; i < 16; i++) {
                bed.write((long) i * CLUSTER, data);
            }
            assertThat(bed.read(9 * CLUSTER, CLUSTER)).isEqualTo(data);
        }
        assertThat(Files.readAllBytes(image)).startsWith(before);
    }

    @Test
    void backingFilesThatGoInARingAreRefused() throws IOException {
        Path a = folder.resolve("a.qcow2");
        new NewImage(SIZE, CLUSTER, "b.qcow2", "qcow2").create(a);
        new NewImage(SIZE, CLUSTER, "./a.qcow2", "qcow2").create(folder.resolve("b.qcow2"));
        try (Leaks _ = Leaks.watch()) {
            assertThatThrownBy(() -> open(a)).hasMessageEndingWith("is its own backing file");
        }
        Path self = folder.resolve("self.qcow2");
        new NewImage(SIZE, CLUSTER, "self.qcow2", "raw").create(self);
        assertThatThrownBy(() -> open(self)).hasMessageEndingWith("is its own backing file");
    }

    @Test
    void theFormatOfABackingFileIsNotGuessed() throws IOException {
        Files.write(folder.resolve("base"), new byte[SIZE]);
        Path image = folder.resolve("disk.qcow2");
        new NewImage(SIZE, CLUSTER, "base", "raw").create(image);
        // No extension any more.
        put(image, 104, 0, 8);
        assertThatThrownBy(() -> open(image))
                .hasMessageContaining(
                        "does not say whether its backing file, base, is raw or qcow2");
        Qcow2Options options = Qcow2Options.of(Caching.BUFFERED);
        Qcow2Target.open(image, options.withBackingFormat("raw")).close();
        assertThatThrownBy(() -> Qcow2Target.open(image, options.withBackingFormat("qcow2")))
                .hasMessageEndingWith("base is no qcow2 image");
        put(image, 104, 0xe2792aca, 4);
        put(image, 108, 3, 4);
        put(image, 112, 0x766469, 3);
        assertThatThrownBy(() -> open(image)).hasMessageContaining("of the format 'vdi'");
        Path other = folder.resolve("other.qcow2");
        new NewImage(SIZE, CLUSTER, "nbd://host/x", "raw").create(other);
        assertThatThrownBy(() -> open(other)).hasMessageContaining("nbd://host/x");
    }

    @Test
    void anImageIsServedOnceAtATime() throws IOException {
        Path image = image();
        try (Qcow2Target _ = open(image)) {
            assertThatThrownBy(() -> open(image)).hasMessageContaining("in use by another server");
        }
    }

    @Test
    void randomDamageNeverDoesMoreThanFailRequests() throws IOException {
        byte[] whole = Files.readAllBytes(image());
        Random random = new Random(3);
        Path image = folder.resolve("damaged.qcow2");
        for (int round = 0; round < 300; round++) {
            byte[] damaged = whole.clone();
            for (int i = random.nextInt(8); i >= 0; i--) {
                int table =
                        new int[] {0, REFCOUNT_TABLE, 2 * CLUSTER, L1, 4 * CLUSTER}
                                [random.nextInt(5)];
                damaged[table + random.nextInt(128)] = (byte) random.nextInt();
            }
            Files.write(image, damaged);
            Qcow2Target target;
            try {
                target = open(image);
            } catch (UnfitFileException | LinuxException e) {
                assertThat(e).message().doesNotContain("\n");
                continue;
            }
            if (target.geometry().readOnly() || target.geometry().size() < SIZE) {
                target.close();
                continue;
            }
            try (TestBed bed = TestBed.of(target)) {
                for (int i = 0; i < 4; i++) {
                    try {
                        bed.write(random.nextInt(SIZE / 512) * 512L, new byte[512]);
                        bed.read(random.nextInt(SIZE / 512 - 16) * 512L, 8192);
                    } catch (LinuxException e) {
                        assertThat(e.errno()).isIn(Errno.EIO, Errno.EFBIG, Errno.ENOSPC);
                    }
                }
            }
        }
    }
}
