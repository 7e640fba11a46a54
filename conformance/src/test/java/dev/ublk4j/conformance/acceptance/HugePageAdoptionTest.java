package dev.ublk4j.conformance.acceptance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.ublk4j.kernel.KernelDriver;
import dev.ublk4j.server.Device;
import dev.ublk4j.server.DeviceOptions;
import dev.ublk4j.sharing.SharingOptions;
import dev.ublk4j.sharing.SharingServer;
import dev.ublk4j.sharing.adopt.Candidate;
import dev.ublk4j.sharing.adopt.Choice;
import dev.ublk4j.targets.MemoryTarget;
import dev.ublk4j.uapi.Feature;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Programs with huge pages of each kind; the kernel's probes say that nothing is copied. */
@Tag("kernel")
@DisplayName("A program with huge pages")
@Timeout(value = 9, unit = TimeUnit.MINUTES) // an emulated machine, beside others
final class HugePageAdoptionTest {
    private static final long HUGE = 2L << 20;
    private static final long SIZE = 2 * HUGE;
    private static final int PAGES = (int) (SIZE / HUGE);

    // Not the file of the same name in /proc/sys, which answers a read of one byte with the first
    // digit and then with the end of the file.
    private static final Path RESERVED =
            Path.of("/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages");

    private static final Path TRANSPARENT =
            Path.of("/sys/kernel/mm/transparent_hugepage/shmem_enabled");

    @TempDir Path folder;

    @ParameterizedTest
    @ValueSource(strings = {"huge", "huge-memfd"})
    void hasEveryRequestSharedFromPagesThatItHasReserved(String kind) throws IOException {
        assumeTrue(Files.isWritable(RESERVED), "this kernel has no huge pages");
        String before = Files.readString(RESERVED).strip();
        Files.writeString(RESERVED, Integer.toString(Integer.parseInt(before) + PAGES));
        try {
            assertThatItIsServed(kind, HUGE);
        } finally {
            Files.writeString(RESERVED, before);
        }
        assertThat(RESERVED).content().isEqualToIgnoringNewLines(before);
    }

    @Test
    void hasEveryRequestSharedFromPagesThatTheKernelMakesOfSmallOnes() throws IOException {
        assumeTrue(Files.isWritable(TRANSPARENT), "this kernel makes no huge pages of its own");
        String before = Files.readString(TRANSPARENT).replaceFirst("(?s).*\\[(\\w+)].*", "$1");
        Files.writeString(TRANSPARENT, "advise");
        try {
            assertThatItIsServed("transparent", 4096);
        } finally {
            Files.writeString(TRANSPARENT, before);
        }
    }

    /**
     * The file of transparent pages knows of small ones; how they are mapped tells of huge ones.
     */
    private void assertThatItIsServed(String kind, long pageSizeOfFile) throws IOException {
        try (KernelProbes probes = KernelProbes.open();
                KernelDriver driver = KernelDriver.open();
                Device device =
                        Device.start(
                                driver,
                                new MemoryTarget(SIZE),
                                DeviceOptions.defaults()
                                        .with(Feature.SHMEM_ZC)
                                        .with(Feature.NO_AUTO_PART_SCAN));
                SharingServer sharing =
                        SharingServer.start(device, SharingOptions.defaults().withFolder(folder));
                UnawareProgram program =
                        UnawareProgram.python(
                                folder,
                                "unruly.py",
                                kind,
                                Long.toString(SIZE),
                                "/dev/ublkb" + device.id())) {
            assertThat(sharing.examine(program.pid(), Choice.worthwhile()).candidates())
                    .filteredOn(mapping -> mapping.verdict() == Candidate.Verdict.ADOPT)
                    .singleElement()
                    .extracting(Candidate::pageSize, Candidate::length)
                    .containsExactly(HUGE, SIZE);
            assertThat(sharing.adopt(program.pid(), Choice.worthwhile()).buffers())
                    .singleElement()
                    .satisfies(buffer -> {
                        assertThat(buffer.length()).isEqualTo(SIZE);
                        assertThat(buffer.pageSize()).isEqualTo(pageSizeOfFile);
                    });
            KernelProbes.Counts before = probes.read();
            assertThat(program.obey("io 0 4")).isEqualTo("done");
            assertThat(program.obey("io " + HUGE + " 4")).isEqualTo("done");
            assertThat(probes.read().since(before)).isEqualTo(new KernelProbes.Counts(16, 0, 0));
            assertThat(sharing.adoptions().programs())
                    .singleElement()
                    .satisfies(adopted -> {
                        assertThat(adopted.pageSize()).isEqualTo(HUGE);
                        assertThat(adopted.advice()).as("there is nothing to gain").isEmpty();
                    });
        }
    }
}
