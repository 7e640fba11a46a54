package dev.ublk4j.conformance.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import dev.ublk4j.conformance.lane.Pause;
import dev.ublk4j.handover.BufferEntry;
import dev.ublk4j.handover.HandoverConnection;
import dev.ublk4j.kernel.KernelDriver;
import dev.ublk4j.linux.Mapping;
import dev.ublk4j.server.Device;
import dev.ublk4j.server.DeviceCounters;
import dev.ublk4j.server.DeviceOptions;
import dev.ublk4j.server.Geometry;
import dev.ublk4j.server.Request;
import dev.ublk4j.server.SimpleTarget;
import dev.ublk4j.sharing.SharingOptions;
import dev.ublk4j.sharing.SharingServer;
import dev.ublk4j.sharing.adopt.AdoptionReport;
import dev.ublk4j.sharing.adopt.AdoptionRule;
import dev.ublk4j.sharing.adopt.Candidate;
import dev.ublk4j.sharing.adopt.Choice;
import dev.ublk4j.uapi.Feature;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Programs that know nothing of ublk, whose memory is adopted, whatever they do with it then. */
@Tag("kernel")
@Tag("any-kernel")
@DisplayName("A program that knows nothing of ublk")
final class AdoptionTest {
    private static final long SIZE = 4L << 20;
    private static final Duration PATIENCE = Duration.ofMinutes(4);

    @TempDir Path folder;

    private final KernelDriver driver = KernelDriver.open();
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
                        DeviceOptions.defaults()
                                .with(Feature.SHMEM_ZC)
                                .with(Feature.NO_AUTO_PART_SCAN));
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

    private String disk() {
        return "/dev/ublkb" + device.id();
    }

    private UnawareProgram unruly(String kind) {
        return UnawareProgram.python(folder, "unruly.py", kind, Long.toString(SIZE), disk());
    }

    private static List<BufferEntry> list(SharingServer sharing) {
        try (HandoverConnection connection = HandoverConnection.open(sharing.path(), PATIENCE)) {
            return connection.list();
        }
    }

    private static void awaitNone(SharingServer sharing) {
        Pause.until("the memory is given back", () -> list(sharing).isEmpty());
    }

    private static void adopt(SharingServer sharing, int pid) {
        AdoptionReport report = sharing.adopt(pid, Choice.worthwhile());
        assertThat(report.complaints()).isEmpty();
        assertThat(report.bytes()).isEqualTo(SIZE);
    }

    private void assertThatAllIsShared(DeviceCounters before, int requests) {
        DeviceCounters after = device.counters();
        assertThat(after.copiedRequests() - before.copiedRequests()).as("copied").isZero();
        assertThat(after.sharedRequests() - before.sharedRequests()).isEqualTo(requests);
    }

    private void assertThatAllIsCopied(DeviceCounters before, int requests) {
        DeviceCounters after = device.counters();
        assertThat(after.sharedRequests() - before.sharedRequests()).as("shared").isZero();
        assertThat(after.copiedRequests() - before.copiedRequests()).isEqualTo(requests);
    }

    private void assertThatAllOfItsRequestsAreShared(UnawareProgram program) {
        try (program;
                SharingServer sharing = serve()) {
            adopt(sharing, program.pid());
            DeviceCounters before = device.counters();
            assertThat(program.obey("")).isEqualTo("done");
            assertThatAllIsShared(before, 32);
            program.kill();
            awaitNone(sharing);
        }
    }

    @Test
    void hasEveryRequestSharedIfItIsWrittenInC() {
        assertThatAllOfItsRequestsAreShared(UnawareProgram.c(folder, "shared_buffer.c", disk()));
    }

    @Test
    void hasEveryRequestSharedIfItIsWrittenInPython() {
        assertThatAllOfItsRequestsAreShared(
                UnawareProgram.python(folder, "shared_buffer.py", disk()));
    }

    @Test
    void isKilledInTheMiddleOfItsRequestsAndTheNextIsServed() {
        try (SharingServer sharing = serve()) {
            for (int round = 0; round < 5; round++) {
                try (UnawareProgram program = unruly("anonymous")) {
                    adopt(sharing, program.pid());
                    long before = device.counters().sharedRequests();
                    assertThat(program.obey("storm")).isEqualTo("done");
                    Pause.until(
                            "it does I/O", () -> device.counters().sharedRequests() > before + 20);
                    program.kill();
                    awaitNone(sharing);
                }
            }
            try (UnawareProgram program = unruly("anonymous")) {
                DeviceCounters before = device.counters();
                assertThat(program.obey("io 0 4")).isEqualTo("done");
                assertThatAllIsCopied(before, 8);
            }
        }
    }

    @Test
    void sharesItsMemoryWithAForkThatOutlivesIt() {
        try (SharingServer sharing = serve();
                // The shell keeps the pipes open.
                UnawareProgram program =
                        UnawareProgram.start(
                                UnawareProgram.command(
                                        List.of("sh", "-c", "\"$@\"; sleep 1000000", "sh"),
                                        script("anonymous")))) {
            int parent = program.lastPid();
            adopt(sharing, parent);
            long child = Long.parseLong(program.obey("fork"));
            // The child reads the orders from now on.
            Shell.run("kill -9 " + parent);
            DeviceCounters before = device.counters();
            assertThat(program.obey("io 0 4")).isEqualTo("done");
            assertThatAllIsShared(before, 8);
            Pause.until("the server has looked at the child", () -> !list(sharing).isEmpty());
            assertThat(program.obey("io 0 4")).isEqualTo("done");
            Shell.run("kill -9 " + child);
            awaitNone(sharing);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"exec", "unmap"})
    void givesItsMemoryUpAndGoesOn(String order) {
        try (SharingServer sharing = serve();
                UnawareProgram program = unruly("anonymous")) {
            adopt(sharing, program.pid());
            assertThat(program.obey(order)).isEqualTo("done");
            awaitNone(sharing);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"anonymous", "memfd"})
    void punchesHolesAndIsCopiedWithItsOwnData(String kind) {
        try (SharingServer sharing = serve();
                UnawareProgram program = unruly(kind)) {
            adopt(sharing, program.pid());
            assertThat(program.obey("io 0 4")).isEqualTo("done");
            assertThat(program.obey("remove")).isEqualTo("done");
            DeviceCounters before = device.counters();
            assertThat(program.obey("io 0 4")).isEqualTo("done");
            assertThatAllIsCopied(before, 8);
        }
    }

    @Test
    void makesItsMemorySmallerAndIsSharedAsFarAsItGoes() {
        try (SharingServer sharing = serve();
                UnawareProgram program = unruly("memfd")) {
            adopt(sharing, program.pid());
            assertThat(program.obey("shrink " + SIZE / 2)).isEqualTo("done");
            Pause.until(
                    "the other half is given back",
                    () -> list(sharing).stream().mapToLong(BufferEntry::length).sum() == SIZE / 2);
            DeviceCounters before = device.counters();
            assertThat(program.obey("io 0 4")).isEqualTo("done");
            assertThatAllIsShared(before, 8);
            assertThat(program.obey("shrink " + SIZE)).isEqualTo("done");
            assertThat(program.obey("io " + SIZE / 2 + " 4")).isEqualTo("done");
        }
    }

    @Test
    void makesItsMemorySmallerUnderARequestWhichFailsAlone() throws InterruptedException {
        try (SharingServer sharing = serve();
                UnawareProgram program = unruly("memfd")) {
            adopt(sharing, program.pid());
            begun = new CountDownLatch(1);
            go = new CountDownLatch(1);
            assertThat(program.obey("late " + SIZE / 2)).isEqualTo("done");
            begun.await();
            assertThat(program.obey("shrink " + SIZE / 2)).isEqualTo("done");
            go.countDown();
            assertThat(program.obey("outcome")).isEqualTo("Input/output error");
            assertThat(program.obey("io 0 4")).isEqualTo("done");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"sealed", "protected"})
    void mayNotWriteToItsMemorySoThatOnlyItsWritesAreShared(String kind) {
        try (SharingServer sharing = serve();
                UnawareProgram program = unruly(kind)) {
            adopt(sharing, program.pid());
            assertThat(list(sharing)).singleElement().matches(BufferEntry::readOnly);
            DeviceCounters before = device.counters();
            assertThat(program.obey("write")).isEqualTo("done");
            assertThatAllIsShared(before, 1);
        }
    }

    @Test
    void hasAFileOfADiskMappedWhichIsRefused() {
        try (SharingServer sharing = serve();
                UnawareProgram program = unruly("/var/scratch/mapped")) {
            AdoptionReport report = sharing.adopt(program.pid(), Choice.all());
            assertThat(report.buffers()).isEmpty();
            assertThat(report.candidates())
                    .filteredOn(mapping -> mapping.name().equals("/var/scratch/mapped"))
                    .extracting(Candidate::reason)
                    .containsExactly("not memory: a file on ext4");
        }
    }

    private String[] script(String kind) {
        String script = UnawareProgram.copy(folder, "unruly.py").toString();
        return new String[] {"python3", script, kind, Long.toString(SIZE), disk()};
    }

    @Test
    void runsInNamespacesOfItsOwn() {
        try (SharingServer sharing = serve();
                UnawareProgram program =
                        UnawareProgram.start(
                                UnawareProgram.command(
                                        List.of(
                                                "unshare",
                                                "--pid",
                                                "--mount",
                                                "--fork",
                                                "--mount-proc"),
                                        script("memfd")))) {
            adopt(sharing, program.lastPid());
            DeviceCounters before = device.counters();
            assertThat(program.obey("io 0 4")).isEqualTo("done");
            assertThatAllIsShared(before, 8);
        }
    }

    @Test
    void isAdoptedByTwoServersNeitherOfWhichKeepsItForTheOther() {
        Commands commands = new Commands(folder);
        String other = commands.run("ublk4j add memory 4M --shmem").strip().replaceAll("\\D", "");
        try (SharingServer sharing = serve();
                UnawareProgram program = unruly("anonymous")) {
            adopt(sharing, program.pid());
            commands.run("ublk4j shmem adopt %s --pid %d".formatted(other, program.pid()));
            program.kill();
            awaitNone(sharing);
        } finally {
            commands.run("ublk4j del " + other);
        }
    }

    @Test
    void hasManyMappingsWhichAreAdoptedInSeveralGoes() {
        try (SharingServer sharing = serve();
                UnawareProgram program = unruly("many")) {
            AdoptionReport first = sharing.adopt(program.pid(), Choice.all());
            assertThat(first.buffers()).hasSize(64);
            assertThat(first.complaints()).singleElement().asString().contains("adopt again");
            AdoptionReport second = sharing.adopt(program.pid(), Choice.all());
            assertThat(second.complaints()).isEmpty();
            assertThat(second.buffers()).hasSize(101 - 64);
            assertThat(list(sharing)).hasSize(101);
            program.kill();
            awaitNone(sharing);
        }
    }

    @Test
    void runsAsAnotherUser() {
        Path compiled = UnawareProgram.compile(folder, "shared_buffer.c");
        Shell.run("chmod -R a+rX %s && chmod a+rw %s".formatted(folder, disk()));
        assertThatAllOfItsRequestsAreShared(
                UnawareProgram.start(
                        List.of(
                                "setpriv",
                                "--reuid=65534",
                                "--clear-groups",
                                compiled.toString(),
                                disk())));
    }

    @Test
    void isAdoptedWheneverItAppears() {
        Path compiled = UnawareProgram.compile(folder, "shared_buffer.c");
        SharingOptions options =
                SharingOptions.defaults()
                        .withFolder(folder)
                        .withAdoption(
                                new AdoptionRule(
                                        Set.of(compiled.getFileName().toString()),
                                        Set.of(),
                                        Set.of(0)));
        try (SharingServer sharing = SharingServer.start(device, options)) {
            for (int round = 0; round < 2; round++) {
                try (UnawareProgram program =
                        UnawareProgram.start(List.of(compiled.toString(), disk()))) {
                    Pause.until("it is adopted", () -> !list(sharing).isEmpty());
                    DeviceCounters before = device.counters();
                    assertThat(program.obey("")).isEqualTo("done");
                    assertThatAllIsShared(before, 32);
                    assertThat(sharing.adoptions().programs())
                            .singleElement()
                            .satisfies(adopted -> {
                                assertThat(adopted.pid()).isEqualTo(program.pid());
                                assertThat(adopted.direct()).isOne();
                                assertThat(adopted.buffered()).isZero();
                                assertThat(adopted.bytes()).isEqualTo(SIZE);
                            });
                }
                awaitNone(sharing);
            }
        }
    }
}
