package dev.ublk4j.targets;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.testkit.TestBed;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Files on block devices, and block devices; needs loop devices, and root. */
class BlockDeviceTest {
    private static final long SIZE = 64L << 20;
    private static final FileOptions DIRECT = FileOptions.of(BackingFile.Caching.DIRECT);

    @TempDir Path folder;
    private final Deque<String[]> undo = new ArrayDeque<>();
    private Path image;

    @BeforeEach
    void makeImage() throws Exception {
        assumeTrue(
                Files.isWritable(Path.of("/dev/loop-control")) && run("losetup", "-f") != null,
                "no loop devices here");
        image = image("image");
    }

    @AfterEach
    void undo() throws Exception {
        while (!undo.isEmpty()) {
            String[] command = undo.pop();
            // A ring that was closed keeps its file open until the kernel has taken it down.
            String output = run(command);
            for (int attempt = 0; output == null && attempt < 100; attempt++) {
                Thread.sleep(100);
                output = run(command);
            }
            assertThat(output).as(String.join(" ", command)).isNotNull();
        }
    }

    private Path image(String name) throws IOException {
        Path file = folder.resolve(name);
        try (RandomAccessFile disk = new RandomAccessFile(file.toFile(), "rw")) {
            disk.setLength(SIZE);
        }
        return file;
    }

    /** What a command prints, null when it fails. */
    private static String run(String... command) throws Exception {
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes()).strip();
        return process.waitFor(4, TimeUnit.MINUTES) && process.exitValue() == 0 ? output : null;
    }

    private Path loop(String... options) throws Exception {
        String[] command =
                Arrays.copyOf(new String[] {"losetup", "--show", "-f"}, 4 + options.length);
        System.arraycopy(options, 0, command, 3, options.length);
        command[3 + options.length] = image.toString();
        String loop = run(command);
        assumeTrue(loop != null, "no loop device of this kind");
        undo.push(new String[] {"losetup", "-d", loop});
        return Path.of(loop);
    }

    private Path mount(Path device) throws Exception {
        Path point = Files.createDirectory(folder.resolve("mounted"));
        assumeTrue(run("mkfs.ext4", "-q", "-F", device.toString()) != null, "no mkfs.ext4");
        assumeTrue(run("mount", device.toString(), point.toString()) != null, "cannot mount");
        undo.push(new String[] {"umount", point.toString()});
        return point;
    }

    private static void assertBusy(Path path, FileOptions options) {
        assertThatThrownBy(() -> BackingFile.open(path, options).close())
                .isInstanceOfSatisfying(
                        LinuxException.class, e -> assertThat(e.errno()).isEqualTo(Errno.EBUSY))
                .hasMessageContaining(path.toString());
    }

    @Test
    void aMountedDeviceIsNotWritten() throws Exception {
        Path device = loop();
        Path _ = mount(device);
        assertBusy(device, DIRECT);
        assertBusy(device, FileOptions.of(BackingFile.Caching.BUFFERED));
        BackingFile.open(device, DIRECT.withReadOnly(true)).close();
        BackingFile.open(device, DIRECT.withForce(true)).close();
    }

    @Test
    void aDeviceThatIsWrittenIsNotMounted() throws Exception {
        Path device = loop();
        assumeTrue(run("mkfs.ext4", "-q", "-F", device.toString()) != null, "no mkfs.ext4");
        Path point = Files.createDirectory(folder.resolve("mounted"));
        try (BackingFile file = BackingFile.open(device, DIRECT)) {
            assertThat(file.size()).isEqualTo(SIZE);
            assertThat(run("mount", device.toString(), point.toString())).isNull();
        }
        try (TestBed bed = TestBed.of(new FileTarget(BackingFile.open(device, DIRECT)))) {
            bed.flush();
            assertThat(run("mount", device.toString(), point.toString())).isNull();
        }
        assertThat(run("mount", device.toString(), point.toString()))
                .as("mounted as soon as it is closed")
                .isNotNull();
        undo.push(new String[] {"umount", point.toString()});
    }

    @Test
    void aWholeDiskIsNotWrittenWhileAPartitionOfItIsMounted() throws Exception {
        Path device = loop();
        assumeTrue(
                run("addpart", device.toString(), "1", "2048", "100000") != null,
                "no partitions of loop devices");
        undo.push(new String[] {"delpart", device.toString(), "1"});
        String name = device.getFileName() + "p1";
        Path numbers = Path.of("/sys/class/block", name, "dev");
        String[] number = Files.readString(numbers).strip().split(":");
        Path partition = folder.resolve(name);
        assumeTrue(
                run("mknod", partition.toString(), "b", number[0], number[1]) != null,
                "no node of the partition");
        Path _ = mount(partition);
        assertBusy(device, DIRECT);
        assertBusy(partition, DIRECT);
    }

    @Test
    void aFileBehindALoopDeviceIsNotWritten() throws Exception {
        Path _ = loop();
        assertBusy(image, DIRECT);
        BackingFile.open(image, DIRECT.withReadOnly(true)).close();
        BackingFile.open(image, DIRECT.withForce(true)).close();
        BackingFile.open(image("another"), DIRECT).close();
    }

    @Test
    void anImageOnADiskOfLargeSectorsKeepsItsSmallBlocks() throws Exception {
        Path point = mount(loop("-b", "4096"));
        Path file = point.resolve("disk.img");
        byte[] content = new byte[1 << 20];
        Arrays.fill(content, (byte) 5);
        Files.write(file, content);
        FileTarget target = new FileTarget(BackingFile.open(file, DIRECT));
        assertThat(target.geometry().logicalBlockSize()).isEqualTo(512);
        byte[] sector = new byte[512];
        Arrays.fill(sector, (byte) 6);
        try (TestBed bed = TestBed.of(target)) {
            bed.write(512, sector);
            bed.flush();
            assertThat(bed.read(512, 512)).isEqualTo(sector);
        }
        Arrays.fill(content, 512, 1024, (byte) 6);
        assertThat(Files.readAllBytes(file)).isEqualTo(content);
        try (BackingFile large = BackingFile.open(file, DIRECT.withBlockSize(4096))) {
            assertThat(large.isDirect()).isTrue();
        }
    }

    @Test
    void aDiskOfLargeSectorsHasThemUnlessToldOtherwise() throws Exception {
        Path device = loop("-b", "4096");
        try (BackingFile file = BackingFile.open(device, DIRECT)) {
            assertThat(file.blockSize()).isEqualTo(4096);
            assertThat(file.isDirect()).isTrue();
        }
        FileTarget target = new FileTarget(BackingFile.open(device, DIRECT.withBlockSize(512)));
        byte[] sector = new byte[512];
        Arrays.fill(sector, (byte) 6);
        try (TestBed bed = TestBed.of(target)) {
            bed.write(512, sector);
            bed.flush();
            assertThat(bed.read(512, 512)).isEqualTo(sector);
            assertThat(bed.read(0, 512)).isEqualTo(new byte[512]);
        }
    }
}
