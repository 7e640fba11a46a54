package dev.ublk4j.targets;

import static org.assertj.core.api.Assertions.assertThat;

import dev.ublk4j.linux.Errno;
import dev.ublk4j.server.Recovery;
import dev.ublk4j.server.Target;
import dev.ublk4j.testkit.Exerciser;
import dev.ublk4j.testkit.InFlight;
import dev.ublk4j.testkit.SharedArea;
import dev.ublk4j.testkit.TestBed;
import dev.ublk4j.testkit.fault.Fault;
import dev.ublk4j.testkit.fault.HeldIo;
import dev.ublk4j.trials.Leaks;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The examples of {@code docs/testing-a-target.md}, which a test here keeps the same. */
class TestingATargetTest {
    @TempDir Path folder;
    private Path file;

    @BeforeEach
    void file() throws IOException {
        file = folder.resolve("disk.img");
        try (RandomAccessFile disk = new RandomAccessFile(file.toFile(), "rw")) {
            disk.setLength(1 << 20);
        }
    }

    private Target target() {
        return new FileTarget(BackingFile.open(file, BackingFile.Caching.BUFFERED, false));
    }

    @Test
    void whatIsWrittenIsRead() {
        byte[] data = {1, 2, 3, 4};
        byte[] block = Arrays.copyOf(data, 512);
        try (TestBed bed = TestBed.of(target())) {
            bed.write(4096, block);
            bed.flush();
            assertThat(bed.read(4096, 512)).isEqualTo(block);
            bed.discard(4096, 4096);
        }
    }

    @Test
    void aRequestInPieces() {
        try (TestBed bed = TestBed.of(target())) {
            MemorySegment memory = bed.memory(3 * 4096);
            InFlight read =
                    bed.submit(request ->
                            request.read(0)
                                    .add(memory.asSlice(8192, 4096))
                                    .add(memory.asSlice(0, 512)));
            assertThat(read.result()).isEqualTo(4608);
        }
    }

    @Test
    void aRequestThatNobodyCopies() {
        try (TestBed bed = TestBed.of(target())) {
            SharedArea area = bed.share(64 * 1024);
            bed.submit(request -> request.write(0).add(area.client(), 4096, 8192)).check();
            assertThat(bed.device().counters().sharedRequests()).isEqualTo(1);
        }
    }

    @Test
    void holdsUnderRandomRequests() {
        Exerciser.of(this::target)
                .withRestarts()
                .withShortAndShuffledIo()
                .withFailingIo()
                .withRounds(3)
                .run();
    }

    @Test
    void aWriteThatFailsFailsItsRequestOnly() {
        try (TestBed bed = TestBed.of(target())) {
            Fault fault = bed.faults().writes().nth(2).fail(Errno.ENOSPC);
            MemorySegment data = bed.memory(4096);
            assertThat(bed.disk().write(data, 0)).isEqualTo(4096);
            assertThat(bed.disk().write(data, 4096)).isEqualTo(Errno.ENOSPC.negated());
            assertThat(bed.disk().write(data, 8192)).isEqualTo(4096);
            assertThat(fault.struck()).isEqualTo(1);
        }
    }

    @Test
    void aShortReadGoesOn() {
        try (TestBed bed = TestBed.of(target())) {
            bed.faults().reads().at(0, 4096).shorten(512);
            assertThat(bed.read(0, 4096)).hasSize(4096);
        }
    }

    @Test
    void aStopWaitsForWhatIsOut() throws Exception {
        try (TestBed bed = TestBed.of(target())) {
            MemorySegment data = bed.memory(4096);
            HeldIo held = bed.faults().writes().hold();
            InFlight write = bed.submit(request -> request.write(0).add(data));
            held.awaitHeld(1);
            var stopped = bed.beginStop();
            assertThat(write.isDone()).isFalse();
            held.release();
            stopped.get();
            assertThat(write.result()).isEqualTo(4096);
        }
    }

    @Test
    void theNextServerDoesWhatADeadOneHadLeft() {
        try (TestBed bed = TestBed.of(target(), TestBed.options().with(Recovery.REISSUE))) {
            MemorySegment data = bed.memory(4096);
            bed.faults().writes().nth(1).kill();
            InFlight write = bed.submit(request -> request.write(0).add(data));
            bed.awaitDeath();
            bed.recover(target());
            assertThat(write.result()).isEqualTo(4096);
        }
    }

    @Test
    void nothingIsLeftOpen() {
        try (var _ = Leaks.watch();
                TestBed bed = TestBed.of(target())) {
            bed.flush();
        }
    }

    @Test
    void theDocumentShowsThisCode() throws IOException {
        String source =
                withoutBlanks(
                        Files.readString(
                                Path.of(
                                        "src/test/java",
                                        getClass().getName().replace('.', '/') + ".java")));
        List<String> examples = new ArrayList<>();
        String[] parts = Files.readString(Path.of("../docs/testing-a-target.md")).split("```");
        for (int part = 1; part < parts.length; part += 2) {
            if (parts[part].startsWith("java\n")) {
                examples.add(withoutBlanks(parts[part].substring("java\n".length())));
            }
        }
        assertThat(examples)
                .hasSizeGreaterThan(5)
                .allSatisfy(code -> assertThat(source).contains(code));
    }

    private static String withoutBlanks(String code) {
        return code.replaceAll("\\s+", "");
    }
}
