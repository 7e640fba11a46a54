package dev.ublk4j.crash;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.management.ThreadMXBean;
import dev.ublk4j.embedded.ClientMemory;
import dev.ublk4j.embedded.Disk;
import dev.ublk4j.embedded.DiskRequest;
import dev.ublk4j.embedded.EmbeddedDriver;
import dev.ublk4j.layers.DiskFault;
import dev.ublk4j.layers.FaultInjector;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.server.Device;
import dev.ublk4j.server.DeviceOptions;
import dev.ublk4j.server.Geometry;
import dev.ublk4j.server.Operation;
import dev.ublk4j.targets.MemoryTarget;
import dev.ublk4j.testkit.Exerciser;
import dev.ublk4j.testkit.TestBed;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RecorderTest {
    private static final int SIZE = 1 << 20;
    private static final int BLOCK = 4096;

    private final History history = new History();

    private Recorder recorder() {
        return new Recorder(new Platter(CrashOptions.defaults().withSize(SIZE)), history);
    }

    @Test
    void aRecordedTargetDoesWhatItDidBefore() {
        try (history) {
            Exerciser.of(() -> new Recorder(new MemoryTarget(SIZE), history)).withRounds(2).run();
            assertThat(history.requests()).isPositive();
        }
    }

    @Test
    void changesAreThereInOrderWithTheirDataAndReadsAreNot() {
        byte[] data = new byte[BLOCK];
        data[17] = 42;
        try (history) {
            try (TestBed bed = TestBed.of(recorder())) {
                bed.write(BLOCK, data);
                bed.flush();
                byte[] _ = bed.read(0, BLOCK);
                bed.writeZeroes(0, BLOCK);
                bed.discard(0, BLOCK);
                MemorySegment memory = bed.memory(BLOCK);
                long _ = bed.submit(request -> request.writeThrough(0).add(memory)).check();
            }
            List<Change> changes = history.changes();
            assertThat(changes)
                    .extracting(Change::operation)
                    .startsWith(
                            Operation.WRITE,
                            Operation.FLUSH,
                            Operation.WRITE_ZEROES,
                            Operation.DISCARD,
                            Operation.WRITE);
            assertThat(changes).allMatch(Change::succeeded);
            assertThat(changes.get(0).offset()).isEqualTo(BLOCK);
            assertThat(changes.get(0).data().mismatch(MemorySegment.ofArray(data))).isEqualTo(-1);
            assertThat(changes.get(0).forcesUnitAccess()).isFalse();
            assertThat(changes.get(4).forcesUnitAccess()).isTrue();
            for (int i = 1; i < changes.size(); i++) {
                assertThat(changes.get(i - 1).answered()).isLessThan(changes.get(i).sent());
            }
        }
    }

    @Test
    void aWriteThatTheHistoryHasNoRoomForFails() {
        try (History small = new History(BLOCK);
                TestBed bed = TestBed.of(new Recorder(new MemoryTarget(SIZE), small))) {
            bed.write(0, new byte[BLOCK]);
            assertThatThrownBy(() -> bed.write(0, new byte[BLOCK]))
                    .isInstanceOfSatisfying(
                            LinuxException.class,
                            e -> assertThat(e.errno()).isEqualTo(Errno.ENOMEM));
            assertThat(small.requests()).isEqualTo(1);
            assertThat(small.dataBytes()).isEqualTo(BLOCK);
        }
    }

    @Test
    void aHistoryHasNothingOfThoseThatWereClosedBefore() {
        int most = 5 << 20;
        try (History before = new History();
                TestBed bed = TestBed.of(new Recorder(new MemoryTarget(SIZE), before))) {
            for (int at = 0; at < most; at += BLOCK) {
                bed.write(0, new byte[BLOCK]);
            }
        }
        for (int count = 0; count < 3; count++) {
            try (History next = new History()) {
                try (TestBed bed = TestBed.of(new Recorder(new MemoryTarget(SIZE), next))) {
                    for (int i = 0; i < count; i++) {
                        bed.write(i * BLOCK, new byte[BLOCK]);
                    }
                }
                assertThat(next.changes().stream().filter(each -> !each.isFlush()))
                        .extracting(Change::offset)
                        .isEqualTo(LongStream.range(0, count).mapToObj(i -> i * BLOCK).toList());
            }
        }
    }

    @Test
    void whatIsRecordedWhenTheHistoryIsClosedFailsAndReachesNoOther() {
        History closed = new History();
        try (TestBed bed = TestBed.of(new Recorder(new MemoryTarget(SIZE), closed))) {
            bed.write(0, new byte[BLOCK]);
            closed.close();
            try (History other = new History();
                    TestBed next = TestBed.of(new Recorder(new MemoryTarget(SIZE), other))) {
                next.write(BLOCK, new byte[BLOCK]);
                assertThatThrownBy(() -> bed.write(0, new byte[BLOCK]))
                        .isInstanceOf(LinuxException.class);
                assertThat(other.changes()).extracting(Change::offset).contains((long) BLOCK);
            }
        }
    }

    @Test
    void whatTheTargetAnsweredIsNoted() {
        try (history) {
            try (TestBed bed =
                    TestBed.of(
                            new Recorder(
                                    new FaultInjector(
                                            new MemoryTarget(SIZE), DiskFault.error(Errno.EIO)),
                                    history))) {
                assertThatThrownBy(() -> bed.write(0, new byte[BLOCK]))
                        .isInstanceOf(LinuxException.class);
            }
            assertThat(history.changes()).noneMatch(Change::succeeded);
        }
    }

    @Test
    void aRequestAllocatesNothing() throws Exception {
        assertAllocatesNothing(history);
    }

    @Test
    void aRequestThatIsRecordedInAFileAllocatesNothing(@TempDir Path folder) throws Exception {
        Geometry geometry = new Platter(CrashOptions.defaults().withSize(SIZE)).geometry();
        assertAllocatesNothing(History.inFile(folder.resolve("rec"), geometry, 1L << 30));
    }

    private static void assertAllocatesNothing(History history) throws Exception {
        AtomicLong thread = new AtomicLong();
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        int requests = 5_000;
        Recorder recorder =
                new Recorder(new Platter(CrashOptions.defaults().withSize(SIZE)), history);
        try (history;
                EmbeddedDriver driver = EmbeddedDriver.create();
                Arena arena = Arena.ofShared();
                Device device = Device.start(driver, recorder, DeviceOptions.defaults());
                Disk disk = driver.openBlock(device.id());
                ClientMemory memory = new ClientMemory(arena.allocate(BLOCK, BLOCK))) {
            long least = Long.MAX_VALUE;
            for (int round = 0; round < 40 && least > requests; round++) {
                CountDownLatch left = new CountDownLatch(requests);
                DiskRequest request =
                        new DiskRequest((done, _) -> {
                            thread.set(Thread.currentThread().threadId());
                            left.countDown();
                            if (left.getCount() > 0) {
                                disk.submit(done.write(0).add(memory, 0, 512));
                            }
                        });
                long before = thread.get() == 0 ? 0 : threads.getThreadAllocatedBytes(thread.get());
                disk.submit(request.write(0).add(memory, 0, 512));
                assertThat(left.await(5, TimeUnit.MINUTES)).isTrue();
                least = Math.min(least, threads.getThreadAllocatedBytes(thread.get()) - before);
            }
            // Memory for the history is added now and then: less than a byte for each request.
            assertThat(least).isLessThan(requests);
        }
    }
}
