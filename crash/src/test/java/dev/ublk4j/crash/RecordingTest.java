package dev.ublk4j.crash;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.ublk4j.crash.Recording.Loss;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.server.Geometry;
import dev.ublk4j.targets.BackingFile;
import dev.ublk4j.targets.BackingFile.Caching;
import dev.ublk4j.targets.FileOptions;
import dev.ublk4j.targets.MemoryTarget;
import dev.ublk4j.targets.UnfitFileException;
import dev.ublk4j.testkit.TestBed;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RecordingTest {
    private static final int SIZE = 1 << 20;
    private static final int BLOCK = 4096;

    @TempDir Path folder;

    private Path file() {
        return folder.resolve("disk.rec");
    }

    private static Platter disk() {
        return new Platter(CrashOptions.defaults().withSize(SIZE));
    }

    private static byte[] block(int value) {
        byte[] data = new byte[BLOCK];
        Arrays.fill(data, (byte) value);
        return data;
    }

    /** Seven requests: 1 is written and flushed, 2 is not flushed, then zeroes, and 3 over 1. */
    private void record() throws IOException {
        try (History history = History.inFile(file(), disk().geometry(), 1 << 20);
                TestBed bed = TestBed.of(new Recorder(disk(), history))) {
            bed.write(0, block(1));
            bed.flush();
            history.mark("one");
            bed.write(BLOCK, block(2));
            bed.write(2 * BLOCK, block(9));
            bed.writeZeroes(2 * BLOCK, BLOCK);
            history.mark("two");
            bed.write(512, new byte[512]);
            bed.discard(3 * BLOCK, BLOCK);
        }
    }

    private byte[] image(Recording recording, RecordedImage image) throws IOException {
        Path copy = Files.createTempFile(folder, "copy", "");
        image.writeTo(copy);
        byte[] bytes = Files.readAllBytes(copy);
        try (TestBed bed = TestBed.of(recording.target(image))) {
            assertThat(bed.read(0, 4 * BLOCK)).isEqualTo(Arrays.copyOf(bytes, 4 * BLOCK));
            bed.write(0, block(7));
            assertThat(bed.read(0, BLOCK)).isEqualTo(block(7));
        }
        return bytes;
    }

    @Test
    void anyInstantIsThereAsAFileAndAsADisk() throws IOException {
        record();
        try (Recording recording = Recording.open(file())) {
            assertThat(recording.requests()).isEqualTo(7);
            assertThat(recording.size()).isEqualTo(SIZE);
            assertThat(recording.isTorn()).isFalse();
            assertThat(recording.marks()).containsExactly("one", "two");
            assertThat(recording.marksBefore(4)).containsExactly("one");
            assertThat(recording.describe(3)).isEqualTo("3: write, 4096 bytes at 4096");

            assertThat(image(recording, recording.after(0, Loss.none()))).containsOnly(0);
            byte[] four = image(recording, recording.after(4, Loss.none()));
            assertThat(four).hasSize(SIZE);
            assertThat(four[0]).isEqualTo((byte) 1);
            assertThat(four[BLOCK]).isEqualTo((byte) 2);
            assertThat(four[2 * BLOCK]).isEqualTo((byte) 9);
            byte[] all = image(recording, recording.after(7, Loss.none()));
            assertThat(all[511]).isEqualTo((byte) 1);
            assertThat(all[512]).isEqualTo((byte) 0);
            assertThat(all[1024]).isEqualTo((byte) 1);
            assertThat(all[2 * BLOCK]).isEqualTo((byte) 0);
            assertThat(image(recording, recording.at("two", Loss.none()))[512]).isEqualTo((byte) 1);
        }
    }

    @Test
    void aPowerCutTakesWhatWasNotFlushedAndNothingElse() throws IOException {
        record();
        try (Recording recording = Recording.open(file())) {
            byte[] lost = image(recording, recording.after(7, Loss.all()));
            assertThat(Arrays.copyOf(lost, BLOCK)).isEqualTo(block(1));
            assertThat(Arrays.copyOfRange(lost, BLOCK, SIZE)).containsOnly(0);
            byte[] some = image(recording, recording.after(7, Loss.random(4)));
            assertThat(image(recording, recording.after(7, Loss.random(4)))).isEqualTo(some);
            assertThat(some[0]).isEqualTo((byte) 1);
            assertThat(image(recording, recording.after(1, Loss.all()))).containsOnly(0);
        }
    }

    @Test
    void aRecordingGoesOnInTheNextServer() throws IOException {
        record();
        record();
        try (Recording recording = Recording.open(file())) {
            assertThat(recording.requests()).isEqualTo(14);
            assertThat(recording.marks()).containsExactly("one", "two", "one", "two");
            assertThat(image(recording, recording.after(14, Loss.none()))[512]).isEqualTo((byte) 0);
        }
    }

    @Test
    void ofARecordingThatIsDamagedThereIsWhatWasBefore() throws IOException {
        record();
        byte[] bytes = Files.readAllBytes(file());
        // The first segment is the queue's; the data of its first request begins behind headers.
        int first = 4096 + 32 + 48;
        bytes[first + 100] ^= 1;
        Files.write(file(), bytes);
        try (Recording recording = Recording.open(file())) {
            assertThat(recording.isTorn()).isTrue();
            assertThat(recording.requests()).isLessThan(7);
        }
        Files.write(file(), Arrays.copyOf(bytes, 4096 + 5000));
        try (Recording recording = Recording.open(file())) {
            assertThat(recording.isTorn()).isTrue();
            assertThat(recording.requests()).isZero();
        }
    }

    @Test
    void whatIsBehindDamageIsNotWrittenOver() throws IOException {
        record();
        byte[] bytes = Files.readAllBytes(file());
        bytes[4096] ^= 1;
        Files.write(file(), bytes);
        try (Recording recording = Recording.open(file())) {
            assertThat(recording.isTorn()).isTrue();
        }
        assertThatThrownBy(this::record)
                .isInstanceOf(IOException.class)
                .hasMessageContaining("is damaged at byte 4096");
        assertThat(Files.readAllBytes(file())).isEqualTo(bytes);
    }

    @Test
    void whatAServerHasIsNotWrittenTo() throws IOException {
        record();
        Path served = Files.write(folder.resolve("served"), new byte[SIZE]);
        try (Recording recording = Recording.open(file());
                BackingFile _ = BackingFile.open(served, FileOptions.of(Caching.BUFFERED))) {
            assertThatThrownBy(() -> recording.after(7, Loss.none()).writeTo(served))
                    .isInstanceOf(UnfitFileException.class)
                    .hasMessageContaining("is in use by another server");
        }
        assertThat(Files.readAllBytes(served)).containsOnly(0);
    }

    @Test
    void aPipeIsNeitherARecordingNorADisk() throws Exception {
        record();
        Path pipe = folder.resolve("pipe");
        assertThat(new ProcessBuilder("mkfifo", pipe.toString()).start().waitFor()).isZero();
        assertThatThrownBy(() -> Recording.open(pipe))
                .hasMessageContaining("is no recording of a disk");
        try (Recording recording = Recording.open(file())) {
            assertThatThrownBy(() -> recording.after(7, Loss.none()).writeTo(pipe))
                    .hasMessageContaining("is neither a regular file nor a block device");
        }
    }

    @Test
    void whatIsNoRecordingOrDoesNotFitIsRefused() throws IOException {
        Path noise = Files.write(folder.resolve("noise"), new byte[8192]);
        assertThatThrownBy(() -> Recording.open(noise))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("is no recording of a disk");
        record();
        assertThatThrownBy(() -> History.inFile(file(), Geometry.ofSize(2 * SIZE), 1 << 20).close())
                .hasMessageContaining("of a disk of 1048576 bytes, and this one has 2097152");
        try (Recording recording = Recording.open(file())) {
            Path small = Files.write(folder.resolve("small"), new byte[4096]);
            assertThatThrownBy(() -> recording.after(7, Loss.none()).writeTo(small))
                    .hasMessageContaining("of a disk of 1048576 bytes")
                    .hasMessageContaining("has 4096");
            assertThatThrownBy(() -> recording.after(8, Loss.none()))
                    .hasMessageContaining("has 7 requests, and no number 8");
            assertThatThrownBy(() -> recording.at("three", Loss.none()))
                    .hasMessageContaining("has no mark 'three'; those are: one, two");
        }
        byte[] bytes = Files.readAllBytes(file());
        bytes[8] = 2;
        Files.write(file(), bytes);
        assertThatThrownBy(() -> Recording.open(file())).hasMessageContaining("of version 2");
        bytes[8] = 1;
        bytes[16] ^= 1;
        Files.write(file(), bytes);
        assertThatThrownBy(() -> Recording.open(file())).hasMessageContaining("is damaged");
    }

    @Test
    void twoDoNotRecordToOneFileAndAFullOneFailsTheWrite() throws IOException {
        try (History history = History.inFile(file(), disk().geometry(), BLOCK);
                TestBed bed = TestBed.of(new Recorder(disk(), history))) {
            assertThatThrownBy(() -> History.inFile(file(), disk().geometry(), BLOCK).close())
                    .hasMessageContaining("another records to");
            bed.write(0, block(1));
            assertThatThrownBy(() -> bed.write(0, block(2)))
                    .isInstanceOfSatisfying(
                            LinuxException.class,
                            e -> assertThat(e.errno()).isEqualTo(Errno.ENOMEM));
            assertThat(bed.read(0, BLOCK)).isEqualTo(block(1));
        }
    }

    @Test
    void aDiskWithoutACacheLosesNothingThatWasAnswered() throws IOException {
        try (History history = History.inFile(file(), Geometry.ofSize(SIZE), 1 << 20);
                TestBed bed = TestBed.of(new Recorder(new MemoryTarget(SIZE), history))) {
            bed.write(0, block(1));
        }
        try (Recording recording = Recording.open(file())) {
            assertThat(image(recording, recording.after(1, Loss.all()))[0]).isEqualTo((byte) 1);
        }
    }
}
