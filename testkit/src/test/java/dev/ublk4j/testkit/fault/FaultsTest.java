package dev.ublk4j.testkit.fault;

import static org.assertj.core.api.Assertions.assertThat;

import dev.ublk4j.linux.Errno;
import dev.ublk4j.server.Request;
import dev.ublk4j.testkit.InFlight;
import dev.ublk4j.testkit.RingDisk;
import dev.ublk4j.testkit.TestBed;
import dev.ublk4j.trials.Leaks;
import java.io.RandomAccessFile;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FaultsTest {
    private static final int PAGE = 4096;

    @TempDir Path folder;
    private final Leaks leaks = Leaks.watch();
    private final List<Long> ended = new ArrayList<>();
    private Path path;
    private TestBed bed;
    private MemorySegment memory;

    @BeforeEach
    void start() throws Exception {
        path = folder.resolve("disk");
        try (RandomAccessFile file = new RandomAccessFile(path.toFile(), "rw")) {
            file.setLength(RingDisk.SIZE);
        }
        bed =
                TestBed.of(
                        new RingDisk(path) {
                            @Override
                            protected void resume(Request request, int result) {
                                synchronized (ended) {
                                    ended.add(request.offset() / PAGE);
                                }
                                super.resume(request, result);
                            }
                        });
        memory = bed.memory(8 * PAGE);
    }

    @AfterEach
    void stop() {
        bed.close();
        leaks.close();
    }

    private InFlight write(int page) {
        MemorySegment data = memory.asSlice(0, PAGE);
        return bed.submit(request -> request.write((long) page * PAGE).add(data));
    }

    private List<Long> ended() {
        synchronized (ended) {
            return List.copyOf(ended);
        }
    }

    @Test
    void theOneThatIsMeantFailsAndNothingIsWritten() {
        memory.fill((byte) 7);
        Fault fault = bed.faults().writes().nth(2).fail(Errno.ENOSPC);

        assertThat(write(0).result()).isEqualTo(PAGE);
        assertThat(write(1).result()).isEqualTo(Errno.ENOSPC.negated());
        assertThat(write(2).result()).isEqualTo(PAGE);
        assertThat(fault.struck()).isEqualTo(1);
        assertThat(bed.read(PAGE, PAGE)).containsOnly(0);
        assertThat(bed.read(2 * PAGE, PAGE)).containsOnly(7);
    }

    @Test
    void eachOneFailsUntilTheFaultsAreCleared() {
        bed.faults().syncs().fail(Errno.EIO);
        assertThat(bed.disk().flush()).isEqualTo(Errno.EIO.negated());
        assertThat(bed.disk().flush()).isEqualTo(Errno.EIO.negated());
        bed.faults().clear();
        assertThat(bed.disk().flush()).isZero();
    }

    @Test
    void onlyWhatTouchesARangeFails() {
        Fault fault = bed.faults().writes().at(PAGE + 512, 512).fail(Errno.EIO);
        assertThat(write(0).result()).isEqualTo(PAGE);
        assertThat(write(1).result()).isEqualTo(Errno.EIO.negated());
        assertThat(write(2).result()).isEqualTo(PAGE);
        assertThat(fault.struck()).isEqualTo(1);
    }

    @Test
    void aShortReadMovesTheFirstBytesOnly() {
        Fault fault = bed.faults().reads().nth(1).shorten(512);
        memory.fill((byte) 7);
        write(0).check();
        assertThat(bed.read(0, PAGE)).containsOnly(7);
        assertThat(fault.struck()).isEqualTo(1);
        assertThat(ended()).as("one write, two reads").hasSize(3);
    }

    @Test
    void theFaultSetFirstStrikesAndEachCountsForItself() {
        Fault first = bed.faults().writes().nth(1).fail(Errno.EIO);
        Fault second = bed.faults().writes().nth(2).fail(Errno.ENOSPC);
        assertThat(write(0).result()).isEqualTo(Errno.EIO.negated());
        assertThat(write(0).result()).isEqualTo(Errno.ENOSPC.negated());
        assertThat(write(0).result()).isEqualTo(PAGE);
        assertThat(first.struck() + second.struck()).isEqualTo(2);
    }

    @Test
    void heldIoIsToldInTheOrderTheTestWants() {
        HeldIo held = bed.faults().writes().hold();
        List<InFlight> writes = List.of(write(0), write(1), write(2));
        held.awaitHeld(3);
        assertThat(ended()).isEmpty();
        assertThat(writes).noneMatch(InFlight::isDone);

        held.releaseReversed();
        writes.forEach(InFlight::check);
        assertThat(ended()).hasSize(3).containsExactlyInAnyOrder(0L, 1L, 2L);
        assertThat(write(3).result()).as("nothing is held any more").isEqualTo(PAGE);
    }

    @Test
    void oneCompletionAtATimeCanBeLetGo() {
        HeldIo held = bed.faults().writes().hold();
        List<InFlight> writes = List.of(write(0), write(1));
        held.awaitHeld(2);
        held.releaseNext();
        bed.read(4 * PAGE, PAGE); // the queue serves others meanwhile
        assertThat(writes.stream().filter(InFlight::isDone)).hasSize(1);
        held.release();
        writes.forEach(InFlight::check);
    }

    @Test
    void shuffledIoAllComesThrough() {
        Fault fault = bed.faults().anyIo().shuffle(4);
        List<InFlight> writes = new ArrayList<>();
        for (int page = 0; page < 8; page++) {
            writes.add(write(page));
        }
        writes.forEach(InFlight::check);
        assertThat(fault.struck()).isEqualTo(8);
        assertThat(ended()).hasSize(8);
    }

    @Test
    void aServerKilledAtAnIoDoesNotDoIt() throws Exception {
        memory.fill((byte) 7);
        Fault death = bed.faults().writes().nth(2).kill();
        assertThat(write(0).result()).isEqualTo(PAGE);
        InFlight fatal = write(1);
        bed.awaitDeath();

        assertThat(fatal.result()).isEqualTo(Errno.EIO.negated());
        assertThat(death.struck()).isEqualTo(1);
        try (RandomAccessFile file = new RandomAccessFile(path.toFile(), "r")) {
            assertThat(file.read()).isEqualTo(7);
            file.seek(PAGE);
            assertThat(file.read()).isZero();
        }
    }

    @Test
    void aServerThatIsKilledWithIoHeldAnswersNone() {
        HeldIo held = bed.faults().writes().hold();
        InFlight write = write(0);
        held.awaitHeld(1);
        bed.kill();
        assertThat(write.result()).isEqualTo(Errno.EIO.negated());
    }

    @Test
    void aTargetThatSubmitsByItselfIsToldSo() {
        // What bypasses the faults would make a test believe that they had been survived.
        try (TestBed impatient =
                TestBed.of(
                        new RingDisk(path) {
                            @Override
                            public int read(Request request) {
                                int answer = super.read(request);
                                request.queue().ring().submit();
                                return answer;
                            }
                        })) {
            MemorySegment data = impatient.memory(PAGE);
            InFlight read = impatient.submit(request -> request.read(0).add(data));
            assertThat(read.result()).isEqualTo(Errno.EIO.negated());
        }
    }
}
