package dev.ublk4j.targets;

import static org.assertj.core.api.Assertions.assertThat;

import dev.ublk4j.linux.Errno;
import dev.ublk4j.testkit.InFlight;
import dev.ublk4j.testkit.SharedArea;
import dev.ublk4j.testkit.TestBed;
import dev.ublk4j.testkit.fault.Fault;
import dev.ublk4j.testkit.fault.HeldIo;
import dev.ublk4j.trials.Leaks;
import java.io.RandomAccessFile;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class FileTargetFaultTest {
    private static final int PAGE = 4096;
    private static final int SIZE = 64 * PAGE;

    @TempDir Path folder;
    private final Leaks leaks = Leaks.watch();
    private Path file;
    private TestBed bed;
    private MemorySegment data;

    @BeforeEach
    void serve() throws Exception {
        file = folder.resolve("disk");
        try (RandomAccessFile disk = new RandomAccessFile(file.toFile(), "rw")) {
            disk.setLength(SIZE);
        }
        bed = TestBed.of(target());
        data = bed.memory(4 * PAGE);
    }

    private FileTarget target() {
        return new FileTarget(BackingFile.open(file, BackingFile.Caching.BUFFERED, false));
    }

    @AfterEach
    void nothingIsLeftOpen() {
        bed.close();
        leaks.close();
    }

    private InFlight write(int page) {
        return bed.submit(request -> request.write((long) page * PAGE).add(data));
    }

    @Test
    void aShortWriteGoesOnWhereItEnded() throws Exception {
        data.fill((byte) 7);
        Fault shorter = bed.faults().writes().shorten(PAGE + 512);
        assertThat(write(1).result()).isEqualTo(4 * PAGE);
        bed.flush();

        assertThat(shorter.struck()).as("16 KiB in pieces of 4.5 KiB").isEqualTo(3);
        byte[] onDisk = Files.readAllBytes(file);
        assertThat(onDisk[PAGE - 1]).isZero();
        assertThat(Arrays.copyOfRange(onDisk, PAGE, 5 * PAGE)).containsOnly(7);
        assertThat(onDisk[5 * PAGE]).isZero();
    }

    @Test
    void aShortReadIntoSharedMemoryGoesOnWhereItEnded() {
        data.fill((byte) 7);
        write(0).check();
        SharedArea area = bed.share(4 * PAGE);
        Fault shorter = bed.faults().reads().shorten(512);
        bed.submit(request -> request.read(0).add(area.client(), 0, 4 * PAGE)).check();

        assertThat(shorter.struck()).isEqualTo(31);
        assertThat(area.memory().toArray(ValueLayout.JAVA_BYTE)).containsOnly(7);
        assertThat(bed.device().counters().sharedRequests()).isEqualTo(1);
    }

    @ParameterizedTest
    @EnumSource(names = {"EAGAIN", "EINTR"})
    void whatIsOnlyToBeTriedAgainIs(Errno errno) {
        Fault once = bed.faults().writes().nth(1).fail(errno);
        assertThat(write(0).result()).isEqualTo(4 * PAGE);
        assertThat(once.struck()).isEqualTo(1);
    }

    @Test
    void aSecondPartThatFailsFailsTheRequest() {
        bed.faults().writes().nth(1).shorten(PAGE);
        Fault fault = bed.faults().writes().nth(2).fail(Errno.ENOSPC);
        assertThat(write(0).result()).isEqualTo(Errno.ENOSPC.negated());
        assertThat(fault.struck()).isEqualTo(1);
        assertThat(write(0).result()).isEqualTo(4 * PAGE);
    }

    private InFlight durableWrite(int page) {
        return bed.submit(request -> request.writeThrough((long) page * PAGE).add(data));
    }

    @Test
    void aSyncThatFailsFailsAllLaterOnesUntilTheFileIsOpenedAgain() throws Exception {
        Fault fault = bed.faults().syncs().nth(1).fail(Errno.ENOSPC);
        assertThat(bed.disk().flush()).isEqualTo(Errno.ENOSPC.negated());
        assertThat(bed.disk().flush()).isEqualTo(Errno.EIO.negated());
        assertThat(durableWrite(0).result()).isEqualTo(Errno.EIO.negated());
        assertThat(write(0).result()).isEqualTo(4 * PAGE);
        assertThat(bed.read(0, PAGE)).hasSize(PAGE);
        assertThat(bed.disk().flush()).isEqualTo(Errno.EIO.negated());
        assertThat(fault.struck()).isEqualTo(1);
        bed.close();
        serve();
        assertThat(bed.disk().flush()).isZero();
        assertThat(durableWrite(0).result()).isEqualTo(4 * PAGE);
    }

    @Test
    void aSyncThatFailsFailsThoseOfOtherQueues() throws Exception {
        bed.close();
        bed = TestBed.of(target(), TestBed.options().withQueues(2));
        data = bed.memory(4 * PAGE);
        bed.faults().writes().nth(1).fail(Errno.EIO);
        assertThat(bed.submit(r -> r.writeThrough(0).add(data), 1).result())
                .isEqualTo(Errno.EIO.negated());
        assertThat(bed.submit(r -> r.flush(), 0).result()).isEqualTo(Errno.EIO.negated());
        assertThat(bed.submit(r -> r.writeThrough(0).add(data), 0).result())
                .isEqualTo(Errno.EIO.negated());
    }

    @Test
    void aSyncThatEndsWellAfterAnotherHasFailedHasFailedToo() {
        HeldIo held = bed.faults().syncs().nth(1).hold();
        Fault fault = bed.faults().syncs().nth(2).fail(Errno.EIO);
        InFlight first = bed.submit(request -> request.flush());
        held.awaitHeld(1);
        assertThat(bed.disk().flush()).isEqualTo(Errno.EIO.negated());
        assertThat(fault.struck()).isEqualTo(1);
        held.release();
        assertThat(first.result()).isEqualTo(Errno.EIO.negated());
    }

    @Test
    void aWriteThatFailsIsNoFailedSync() {
        bed.faults().writes().nth(1).fail(Errno.EIO);
        assertThat(write(0).result()).isEqualTo(Errno.EIO.negated());
        assertThat(bed.disk().flush()).isZero();
    }

    @Test
    void aSyncThatIsInterruptedIsMadeAgain() {
        Fault fault = bed.faults().syncs().nth(1).fail(Errno.EINTR);
        assertThat(bed.disk().flush()).isZero();
        assertThat(fault.struck()).isEqualTo(1);
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void spaceThatCannotBeGivenBackFailsTheRequestAndTheDataStays(boolean discard) {
        data.fill((byte) 7);
        write(0).check();
        bed.faults().allocations().nth(1).fail(Errno.EOPNOTSUPP);
        long result =
                discard
                        ? bed.disk().discard(0, 4 * PAGE)
                        : bed.disk().writeZeroes(0, 4 * PAGE, true);
        assertThat(result).isEqualTo(Errno.EOPNOTSUPP.negated());
        assertThat(bed.read(0, 4 * PAGE)).containsOnly(7);
    }

    @Test
    void aDeviceThatStopsWaitsForItsIo() throws Exception {
        HeldIo held = bed.faults().writes().hold();
        InFlight write = write(0);
        held.awaitHeld(1);
        var stopped = bed.beginStop();
        assertThat(stopped).isNotDone();
        held.release();
        stopped.get();
        assertThat(write.result()).isEqualTo(4 * PAGE);
    }

    @Test
    void aServerThatDiesWithIoUnderWayAnswersNothingAndLeavesNothing() {
        HeldIo held = bed.faults().writes().hold();
        InFlight first = write(0);
        InFlight second = write(8);
        held.awaitHeld(2);
        bed.kill();
        assertThat(first.result()).isEqualTo(Errno.EIO.negated());
        assertThat(second.result()).isEqualTo(Errno.EIO.negated());
    }
}
