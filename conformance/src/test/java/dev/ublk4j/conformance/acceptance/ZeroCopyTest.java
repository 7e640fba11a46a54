package dev.ublk4j.conformance.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import dev.ublk4j.kernel.KernelDriver;
import dev.ublk4j.server.Device;
import dev.ublk4j.server.DeviceCounters;
import dev.ublk4j.server.DeviceOptions;
import dev.ublk4j.server.SharedBuffer;
import dev.ublk4j.server.Target;
import dev.ublk4j.sharedmemory.SharedMemory;
import dev.ublk4j.targets.BackingFile;
import dev.ublk4j.targets.FileTarget;
import dev.ublk4j.targets.MemoryTarget;
import dev.ublk4j.targets.NullTarget;
import dev.ublk4j.uapi.Feature;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * fio reads, writes and verifies from memory that is shared with the device, and the kernel's own
 * probes say that no request was copied, and that what this side counts is so.
 */
@Tag("kernel")
final class ZeroCopyTest {
    private static final Path BUFFER = Path.of("/dev/hugepages/zero-copy-test");
    private static final long BUFFER_BYTES = 32L << 20;
    private static final long SIZE = 64L << 20;
    private static final DeviceOptions OPTIONS =
            DeviceOptions.defaults()
                    .withMaxIo(1 << 20)
                    .with(Feature.SHMEM_ZC)
                    .with(Feature.NO_AUTO_PART_SCAN);

    /** Bytes of reads and of writes in fio's terse output. */
    private static final String COUNT = " --output-format=terse --terse-version=3";

    private static final String SHARED_MEMORY = " --mem=mmaphuge:" + BUFFER;

    @TempDir Path folder;

    private final KernelProbes probes;
    private final SharedMemory memory;
    private final KernelDriver driver;
    private final Arena arena = Arena.ofShared();

    ZeroCopyTest() throws IOException {
        probes = KernelProbes.open();
        Files.deleteIfExists(BUFFER);
        memory = SharedMemory.createFile(BUFFER, BUFFER_BYTES, 0600);
        driver = KernelDriver.open();
    }

    @AfterEach
    void close() throws IOException {
        probes.close();
        arena.close();
        memory.close();
        Files.deleteIfExists(BUFFER);
        driver.close();
    }

    /** What the server and the kernel have counted during something. */
    private record Seen(DeviceCounters server, KernelProbes.Counts kernel) {}

    private Seen during(Device device, Runnable action) throws IOException {
        DeviceCounters server = device.counters();
        KernelProbes.Counts kernel = probes.read();
        action.run();
        DeviceCounters after = device.counters();
        return new Seen(
                new DeviceCounters(
                        after.sharedRequests() - server.sharedRequests(),
                        after.sharedBytes() - server.sharedBytes(),
                        after.copiedRequests() - server.copiedRequests(),
                        after.copiedBytes() - server.copiedBytes()),
                probes.read().since(kernel));
    }

    private static void assertAgreed(Seen seen) {
        assertThat(seen.kernel.hits()).as("hits").isEqualTo(seen.server.sharedRequests());
        assertThat(seen.kernel.misses()).as("misses").isEqualTo(seen.server.copiedRequests());
        assertThat(seen.kernel.copies()).as("copies").isEqualTo(seen.server.copiedRequests());
    }

    private Device serve(Target target) {
        Device device = Device.start(driver, target, OPTIONS);
        // Two requests that touch on the device may become one, whose data is in two places.
        Shell.run("echo 2 > /sys/block/ublkb%d/queue/nomerges".formatted(device.id()));
        return device;
    }

    /** {@return the bytes that fio has read and written} */
    private static long fio(String options) {
        String output =
                Shell.run(
                        "fio --name=shared --direct=1 --ioengine=libaio --iodepth=8 --verify_state_save=0 "
                                + options
                                + COUNT);
        Matcher fields = Pattern.compile("(?m)^3;.*$").matcher(output);
        assertThat(fields.find()).as(output).isTrue();
        String[] values = fields.group().split(";", -1);
        assertThat(values[4]).as("errors of fio").isEqualTo("0");
        return (Long.parseLong(values[5]) + Long.parseLong(values[46])) << 10;
    }

    private void verifyShared(Target target) throws IOException {
        try (Device device = serve(target);
                SharedBuffer buffer = device.share(memory.map(arena, false), false)) {
            assertThat(buffer.index()).isZero();
            long[] bytes = new long[1];
            Seen seen =
                    during(
                            device,
                            () ->
                                    bytes[0] =
                                            fio(
                                                    """
                                                    --filename=/dev/ublkb%d --rw=randwrite \
                                                    --bsrange=4k-1m --size=48M --randseed=11 \
                                                    --verify=crc32c --verify_fatal=1 --do_verify=1
                                                    """
                                                                    .formatted(device.id())
                                                                    .strip()
                                                            + SHARED_MEMORY));
            assertAgreed(seen);
            assertThat(seen.server.copiedRequests()).isZero();
            assertThat(seen.server.sharedBytes()).isEqualTo(bytes[0]).isEqualTo(2 * (48L << 20));
        }
    }

    @Test
    void fioVerifiesMemoryWithNoRequestCopied() throws IOException {
        verifyShared(new MemoryTarget(SIZE));
    }

    @Test
    void fioVerifiesAFileWithNoRequestCopied() throws IOException {
        verifyShared(new FileTarget(BackingFile.open(file(), BackingFile.Caching.DIRECT, false)));
    }

    @Test
    void fioReadsAndWritesNothingnessWithNoRequestCopied() throws IOException {
        try (Device device = serve(new NullTarget(SIZE));
                SharedBuffer buffer = device.share(memory.map(arena, false), false)) {
            assertThat(buffer.index()).isZero();
            long[] bytes = new long[1];
            Seen seen =
                    during(
                            device,
                            () ->
                                    bytes[0] =
                                            fio(
                                                    "--filename=/dev/ublkb%d --rw=rw --bs=1m --size=64M"
                                                                    .formatted(device.id())
                                                            + SHARED_MEMORY));
            assertAgreed(seen);
            assertThat(seen.server.copiedRequests()).isZero();
            assertThat(seen.server.sharedRequests()).isEqualTo(64);
            assertThat(seen.server.sharedBytes()).isEqualTo(bytes[0]).isEqualTo(64L << 20);
        }
    }

    @Test
    void everyRequestFromOtherMemoryIsAMissAndACopy() throws IOException {
        try (Device device = serve(new NullTarget(SIZE));
                SharedBuffer buffer = device.share(memory.map(arena, false), false)) {
            assertThat(buffer.index()).isZero();
            Seen seen =
                    during(
                            device,
                            () ->
                                    fio(
                                            "--filename=/dev/ublkb%d --rw=rw --bs=64k --size=8M"
                                                    .formatted(device.id())));
            assertAgreed(seen);
            assertThat(seen.server.copiedBytes()).isEqualTo(8 << 20);
            assertThat(seen.server.sharedRequests()).isZero();
        }
    }

    @Test
    void fioVerifiesAFileOfAFileSystemWithNoneOfItsRequestsCopied() throws IOException {
        Path mount = Files.createDirectory(folder.resolve("mount"));
        try (Device device = serve(new MemoryTarget(4 * SIZE));
                SharedBuffer buffer = device.share(memory.map(arena, false), false)) {
            assertThat(buffer.index()).isZero();
            Shell.run("mkfs.ext4 -q -E nodiscard /dev/ublkb" + device.id());
            Shell.run("mount /dev/ublkb%d %s".formatted(device.id(), mount));
            try {
                long[] bytes = new long[1];
                Seen seen =
                        during(
                                device,
                                () ->
                                        bytes[0] =
                                                fio(
                                                        """
                                                        --filename=%s/file --rw=randwrite \
                                                        --bsrange=4k-1m --size=48M --randseed=11 \
                                                        --verify=crc32c --verify_fatal=1 \
                                                        --do_verify=1
                                                        """
                                                                        .formatted(mount)
                                                                        .strip()
                                                                + SHARED_MEMORY));
                assertAgreed(seen);
                // What the file system has to write for itself is not fio's, and is copied.
                assertThat(seen.server.sharedBytes())
                        .isEqualTo(bytes[0])
                        .isEqualTo(2 * (48L << 20));
            } finally {
                Shell.run("umount " + mount);
            }
        }
    }

    private Path file() throws IOException {
        Path path = folder.resolve("disk.img");
        try (RandomAccessFile file = new RandomAccessFile(path.toFile(), "rw")) {
            file.setLength(SIZE);
        }
        return path;
    }
}
