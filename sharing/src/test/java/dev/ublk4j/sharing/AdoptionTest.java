package dev.ublk4j.sharing;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.ublk4j.embedded.ClientMemory;
import dev.ublk4j.embedded.Disk;
import dev.ublk4j.embedded.DiskRequest;
import dev.ublk4j.embedded.EmbeddedDriver;
import dev.ublk4j.handover.BufferEntry;
import dev.ublk4j.handover.HandoverConnection;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.Fd;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.linux.Mapping;
import dev.ublk4j.linux.Pages;
import dev.ublk4j.server.Device;
import dev.ublk4j.server.DeviceOptions;
import dev.ublk4j.server.Geometry;
import dev.ublk4j.server.Request;
import dev.ublk4j.server.SimpleTarget;
import dev.ublk4j.sharedmemory.SharedMemory;
import dev.ublk4j.sharing.MemoryCheck.Range;
import dev.ublk4j.sharing.adopt.AdoptionReport;
import dev.ublk4j.sharing.adopt.Candidate;
import dev.ublk4j.sharing.adopt.Candidate.Verdict;
import dev.ublk4j.sharing.adopt.Choice;
import dev.ublk4j.uapi.Feature;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@DisplayName("Memory of a process that hands nothing over")
class AdoptionTest {
    private static final long SIZE = 4L << 20;
    private static final Duration PATIENCE = Duration.ofMinutes(4);

    @TempDir Path folder;

    private final EmbeddedDriver driver = EmbeddedDriver.create();
    private final Arena arena = Arena.ofShared();
    private final MemorySegment content = Mapping.anonymous(SIZE, Mapping.MAP_PRIVATE, arena);
    private final Device device;
    private volatile CountDownLatch begun = new CountDownLatch(0);
    private volatile CountDownLatch go = new CountDownLatch(0);

    /** A disk that waits, when it is told to, before it touches the data of a write. */
    private final class WaitingDisk implements SimpleTarget {
        @Override
        public Geometry geometry() {
            return Geometry.ofSize(SIZE);
        }

        @Override
        public int read(Request request) {
            return request.copyFrom(content, request.offset());
        }

        @Override
        public int write(Request request) {
            begun.countDown();
            try {
                go.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
            return request.copyTo(content, request.offset());
        }
    }

    AdoptionTest() {
        device =
                Device.start(
                        driver,
                        new WaitingDisk(),
                        DeviceOptions.defaults().withDepth(4).with(Feature.SHMEM_ZC));
    }

    @AfterEach
    void stop() {
        go.countDown();
        device.close();
        driver.close();
        arena.close();
    }

    private SharingServer serve() {
        return SharingServer.start(device, SharingOptions.defaults().withFolder(folder));
    }

    private static List<BufferEntry> list(SharingServer sharing) {
        try (HandoverConnection connection = HandoverConnection.open(sharing.path(), PATIENCE)) {
            return connection.list();
        }
    }

    private static void await(BooleanSupplier sought) {
        while (!sought.getAsBoolean()) {
            Thread.onSpinWait();
            try {
                Thread.sleep(5);
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
        }
    }

    private static long write(Disk disk, ClientMemory memory, long offset, int length) {
        CompletableFuture<Long> result = new CompletableFuture<>();
        DiskRequest request = new DiskRequest((_, answer) -> result.complete(answer));
        request.write(0).add(memory, offset, length);
        disk.submit(request);
        return result.join();
    }

    private static SharedMemory openMemoryOf(UnknowingProgram program) {
        Path files = Path.of("/proc/%d/map_files".formatted(program.pid()));
        String start = Long.toHexString(program.start) + "-";
        try (var links = Files.newDirectoryStream(files, start + "*")) {
            return SharedMemory.open(links.iterator().next(), true);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    private static void assumeMayOpenMappings() {
        boolean may = true;
        try (var links = Files.newDirectoryStream(Path.of("/proc/self/map_files"))) {
            Fd.open(links.iterator().next(), Fd.O_PATH).close();
        } catch (IOException | LinuxException e) {
            may = false;
        }
        assumeTrue(may, "needs CAP_CHECKPOINT_RESTORE or CAP_SYS_ADMIN");
    }

    @Test
    void anonymousMemoryIsSharedAndGivenBackWhenItsProcessIsKilled() {
        assumeMayOpenMappings();
        try (SharingServer sharing = serve();
                UnknowingProgram program = UnknowingProgram.start("anonymous", SIZE)) {
            AdoptionReport report = sharing.adopt(program.pid(), Choice.worthwhile());

            assertThat(report.complaints()).isEmpty();
            assertThat(report.bytes()).isEqualTo(SIZE);
            assertThat(report.program()).isEqualTo("java");
            assertThat(list(sharing))
                    .singleElement()
                    .satisfies(buffer -> {
                        assertThat(buffer.adopted()).isTrue();
                        assertThat(buffer.kept()).isFalse();
                        assertThat(buffer.pid()).isEqualTo(program.pid());
                        assertThat(buffer.length()).isEqualTo(SIZE);
                    });
            try (SharedMemory same = openMemoryOf(program);
                    Disk disk = driver.openBlock(device.id());
                    ClientMemory client = new ClientMemory(same.map(arena, false))) {
                assertThat(write(disk, client, Pages.SIZE, Pages.SIZE)).isEqualTo(Pages.SIZE);
                assertThat(content.get(JAVA_BYTE, 0)).isEqualTo((byte) 1);
                assertThat(device.counters().sharedRequests()).isOne();
            }
            program.kill();
            // This process has it mapped as well, which counts for nothing.
            await(() -> list(sharing).isEmpty());
        }
    }

    @Test
    void memoryIsGivenBackWhenItsProcessUnmapsIt() {
        try (SharingServer sharing = serve();
                UnknowingProgram program = UnknowingProgram.start("memfd", SIZE)) {
            assertThat(sharing.adopt(program.pid(), Choice.worthwhile()).bytes()).isEqualTo(SIZE);
            program.obey("unmap");
            await(() -> list(sharing).isEmpty());
            assertThatThrownBy(() -> sharing.adopt(program.pid() + (1 << 22), Choice.all()))
                    .isInstanceOfSatisfying(
                            LinuxException.class,
                            e -> assertThat(e.errno()).isEqualTo(Errno.ESRCH));
        }
    }

    @Test
    void memoryThatIsMadeSmallerStaysAsFarAsItGoesAndIsNotSealed() {
        try (SharingServer sharing = serve();
                UnknowingProgram program = UnknowingProgram.start("memfd", SIZE)) {
            assertThat(sharing.adopt(program.pid(), Choice.worthwhile()).bytes()).isEqualTo(SIZE);
            // What is no whole page cannot be shared.
            program.obey("shrink " + (SIZE / 2 + 100));
            await(() -> list(sharing).stream().mapToLong(BufferEntry::length).sum() == SIZE / 2);
            program.obey("shrink 0");
            await(() -> list(sharing).isEmpty());
        }
    }

    @Test
    void aRequestWhoseMemoryGoesWhileItIsServedFailsAndTheNextDoesNot() throws Exception {
        try (SharingServer sharing = serve();
                UnknowingProgram program = UnknowingProgram.start("memfd", SIZE)) {
            assertThat(sharing.adopt(program.pid(), Choice.worthwhile()).bytes()).isEqualTo(SIZE);
            try (SharedMemory same = openMemfdOf(program);
                    Disk disk = driver.openBlock(device.id());
                    ClientMemory client = new ClientMemory(same.map(arena, false))) {
                begun = new CountDownLatch(1);
                go = new CountDownLatch(1);
                CompletableFuture<Long> late =
                        CompletableFuture.supplyAsync(() -> write(disk, client, 0, 1 << 16));
                begun.await();
                program.obey("shrink 0");
                go.countDown();
                assertThat(late.get()).isEqualTo(Errno.EIO.negated());
                try (ClientMemory other =
                        new ClientMemory(
                                Mapping.anonymous(Pages.SIZE, Mapping.MAP_PRIVATE, arena))) {
                    assertThat(write(disk, other, 0, Pages.SIZE)).isEqualTo(Pages.SIZE);
                }
                await(() -> list(sharing).isEmpty());
            }
        }
    }

    private static SharedMemory openMemfdOf(UnknowingProgram program) throws IOException {
        Path descriptors = Path.of("/proc/%d/fd".formatted(program.pid()));
        try (var links = Files.newDirectoryStream(descriptors)) {
            for (Path link : links) {
                if (Files.readSymbolicLink(link).toString().startsWith("/memfd:program")) {
                    return SharedMemory.open(link, true);
                }
            }
        }
        throw new AssertionError("the program has no memfd");
    }

    @Test
    void aFileOfADiskPrivateMemoryAndWhatIsSmallAreNotAdopted() throws IOException {
        Path file = folder.resolve("file");
        try (SharingServer sharing = serve();
                UnknowingProgram program = UnknowingProgram.start(file.toString(), SIZE)) {
            assumeTrue(
                    !Files.getFileStore(file).type().equals("tmpfs"),
                    "the folder for temporary files is memory");
            AdoptionReport report = sharing.adopt(program.pid(), Choice.at(Set.of(program.start)));
            assertThat(report.buffers()).isEmpty();
            assertThat(report.candidates())
                    .singleElement()
                    .satisfies(mapping -> {
                        assertThat(mapping.verdict()).isEqualTo(Verdict.REFUSE);
                        assertThat(mapping.reason()).startsWith("not memory: a file on ");
                    });
            assertThat(sharing.examine(program.pid(), Choice.all()).candidates())
                    .filteredOn(mapping -> mapping.kind().equals("private"))
                    .isNotEmpty()
                    .extracting(Candidate::verdict)
                    .containsOnly(Verdict.REFUSE);
        }
        try (SharingServer sharing = serve();
                UnknowingProgram small = UnknowingProgram.start("memfd", Pages.SIZE)) {
            assertThat(sharing.adopt(small.pid(), Choice.worthwhile()).buffers()).isEmpty();
            assertThat(sharing.adopt(small.pid(), Choice.all()).bytes()).isEqualTo(Pages.SIZE);
            // Once more is nothing more.
            AdoptionReport again = sharing.adopt(small.pid(), Choice.all());
            assertThat(again.buffers()).isEmpty();
            assertThat(again.known()).isEqualTo(Pages.SIZE);
        }
    }

    @Test
    void aFileThatEndsWithinAPageIsAdoptedUpToThatPage() {
        try (SharingServer sharing = serve();
                UnknowingProgram program = UnknowingProgram.start("memfd", SIZE + 100)) {
            AdoptionReport report = sharing.adopt(program.pid(), Choice.worthwhile());
            assertThat(report.complaints()).isEmpty();
            assertThat(report.bytes()).isEqualTo(SIZE);
        }
    }

    @Test
    void beyondTheLimitItIsRefusedWithTheReason() {
        SharingOptions options =
                SharingOptions.defaults()
                        .withFolder(folder)
                        .withLimits(Limits.defaults().withBytes(SIZE / 2, SIZE / 2));
        try (SharingServer sharing = SharingServer.start(device, options);
                UnknowingProgram program = UnknowingProgram.start("memfd", SIZE)) {
            AdoptionReport report = sharing.adopt(program.pid(), Choice.worthwhile());
            assertThat(report.buffers()).isEmpty();
            assertThat(report.complaints()).singleElement().asString().contains("limits");
            assertThat(sharing.examine(program.pid(), Choice.worthwhile()).candidates())
                    .as("the same is said beforehand")
                    .noneMatch(mapping -> mapping.verdict() == Verdict.ADOPT)
                    .anyMatch(mapping -> mapping.reason().contains("limits"));
        }
    }

    @Test
    void thatOfTheServerItselfIsRefusedSinceItWouldNeverBeGivenBack() {
        int self = (int) ProcessHandle.current().pid();
        try (SharingServer sharing = serve();
                SharedMemory memory = SharedMemory.create("own", SIZE)) {
            memory.map(arena, false);
            assertThatThrownBy(() -> sharing.adopt(self, Choice.worthwhile()))
                    .isInstanceOfSatisfying(
                            LinuxException.class,
                            e -> assertThat(e.errno()).isEqualTo(Errno.EINVAL));
            assertThatThrownBy(() -> sharing.examine(self, Choice.worthwhile()))
                    .isInstanceOf(LinuxException.class);
        }
    }

    @Test
    void aThreadIsNoProcess() throws IOException {
        try (SharingServer sharing = serve();
                UnknowingProgram program = UnknowingProgram.start("memfd", SIZE);
                var threads =
                        Files.newDirectoryStream(
                                Path.of("/proc/%d/task".formatted(program.pid())))) {
            int thread = 0;
            for (Path each : threads) {
                thread = Math.max(thread, Integer.parseInt(each.getFileName().toString()));
            }
            int number = thread;
            assertThat(number).isNotEqualTo(program.pid());
            assertThatThrownBy(() -> sharing.adopt(number, Choice.worthwhile()))
                    .isInstanceOfSatisfying(
                            LinuxException.class,
                            e -> assertThat(e.errno()).isEqualTo(Errno.ESRCH));
        }
    }

    @Test
    void whatIsLargerThanAPartIsAdoptedInParts() {
        long gib = Adoption.LARGEST_PART;
        try (SharedMemory memory = SharedMemory.create("large", 3 * gib);
                Adoption adoption =
                        new Adoption(
                                memory.identity(),
                                Fd.open(
                                        Path.of("/proc/self/fd/" + memory.fd().number()),
                                        Fd.O_PATH),
                                "large",
                                new dev.ublk4j.linux.Peer(1, 0, 0))) {
            assertThat(adoption.missing(gib / 2, 3 * gib))
                    .containsExactly(
                            new Range(gib / 2, gib / 2),
                            new Range(gib, gib),
                            new Range(2 * gib, gib));
            adoption.cover(new Range(gib, gib));
            assertThat(adoption.missing(0, 3 * gib))
                    .containsExactly(new Range(0, gib), new Range(2 * gib, gib));
            assertThat(adoption.cutOff(gib + gib / 4)).containsExactly(new Range(gib, gib / 4));
            assertThat(adoption.bytes()).isZero();
        }
    }
}
