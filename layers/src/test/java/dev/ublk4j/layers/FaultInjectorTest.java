package dev.ublk4j.layers;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.management.ThreadMXBean;
import dev.ublk4j.embedded.ClientMemory;
import dev.ublk4j.embedded.Disk;
import dev.ublk4j.embedded.DiskRequest;
import dev.ublk4j.embedded.EmbeddedDriver;
import dev.ublk4j.layers.FaultInjector.Injected;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.server.Device;
import dev.ublk4j.server.DeviceOptions;
import dev.ublk4j.server.ForwardingTarget;
import dev.ublk4j.server.Geometry;
import dev.ublk4j.server.Operation;
import dev.ublk4j.server.Target;
import dev.ublk4j.targets.MemoryTarget;
import dev.ublk4j.testkit.Exerciser;
import dev.ublk4j.testkit.InFlight;
import dev.ublk4j.testkit.TestBed;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.management.ManagementFactory;
import java.util.Arrays;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(value = 5, unit = TimeUnit.MINUTES)
class FaultInjectorTest {
    private static final int SIZE = 1 << 20;
    private static final int BLOCK = 4096;

    private final FaultInjector injector = new FaultInjector(disk());

    /** {@return a disk with a cache, so that flushes get there} */
    private static Target disk() {
        return new ForwardingTarget(new MemoryTarget(SIZE)) {
            @Override
            public Geometry geometry() {
                return super.geometry().withForcedUnitAccess();
            }
        };
    }

    private static byte[] block(int value) {
        byte[] data = new byte[BLOCK];
        Arrays.fill(data, (byte) value);
        return data;
    }

    private static void assertFails(ThrowingCallable call, Errno errno) {
        assertThatThrownBy(call)
                .isInstanceOfSatisfying(
                        LinuxException.class, e -> assertThat(e.errno()).isEqualTo(errno));
    }

    private Injected inject(String text) {
        return injector.inject(DiskFault.parse(text));
    }

    @Test
    void withoutAFaultItIsTheTargetBelow() {
        Exerciser.of(() -> new FaultInjector(disk())).withRounds(2).run();
    }

    @Test
    void requestsFailByOperationRangeAndCount() {
        try (TestBed bed = TestBed.of(injector)) {
            Injected fault = inject("error=ENOSPC,op=write,from=4K,to=8K,after=1,every=2,next=2");
            for (int i = 1; i <= 9; i++) {
                bed.write(0, block(i));
                byte[] _ = bed.read(BLOCK, BLOCK);
                int value = i;
                if (i == 3 || i == 5) {
                    assertFails(() -> bed.write(BLOCK, block(value)), Errno.ENOSPC);
                } else {
                    bed.write(BLOCK, block(value));
                }
            }
            assertThat(fault.struck()).isEqualTo(2);
            assertThat(injector.faults()).containsExactly(fault);

            Injected other = inject("error=EREMOTEIO");
            assertFails(bed::flush, Errno.EREMOTEIO);
            assertThat(injector.clear(other.number())).isTrue();
            assertThat(injector.clear(other.number())).isFalse();
            bed.flush();
        }
    }

    @Test
    void writesAreLostAndFlushesLie() {
        FaultInjector below = new FaultInjector(disk());
        Injected seen = below.inject(DiskFault.error(Errno.EIO).on(Operation.FLUSH));
        FaultInjector above = new FaultInjector(below);
        try (TestBed bed = TestBed.of(above)) {
            bed.write(0, block(1));
            Injected _ = above.inject(DiskFault.lost().on(Operation.WRITE, Operation.FLUSH));
            bed.write(0, block(2));
            bed.flush();
            assertThat(seen.struck()).isZero();
            assertThat(bed.read(0, BLOCK)).isEqualTo(block(1));

            above.clear();
            assertFails(bed::flush, Errno.EIO);
        }
    }

    @Test
    void aTornWriteStoresItsFirstPartAlone() {
        try (TestBed bed = TestBed.of(injector)) {
            Injected _ = inject("torn");
            for (int i = 0; i < 20; i++) {
                bed.write((long) i * BLOCK, block(1));
                byte[] found = bed.read((long) i * BLOCK, BLOCK);
                int stored = 0;
                while (stored < BLOCK && found[stored] == 1) {
                    stored++;
                }
                assertThat(stored).isBetween(512, BLOCK - 512);
                assertThat(stored % 512).isZero();
                assertThat(Arrays.copyOfRange(found, stored, BLOCK)).containsOnly(0);
            }
            bed.write(0, new byte[BLOCK]);
            injector.clear();
            Injected _ = inject("torn=4K");
            bed.write(0, block(3));
            assertThat(bed.read(0, BLOCK)).doesNotContain(3);
        }
    }

    @Test
    void aMisdirectedWriteIsElsewhereAndNowhereElse() {
        try (TestBed bed = TestBed.of(injector)) {
            Injected _ = inject("misdirected=64K");
            bed.write(0, block(1));
            bed.write(SIZE - BLOCK, block(2));
            injector.clear();
            assertThat(bed.read(0, BLOCK)).containsOnly(0);
            assertThat(bed.read(64 << 10, BLOCK)).isEqualTo(block(1));
            assertThat(bed.read((64 << 10) - BLOCK, BLOCK)).isEqualTo(block(2));

            Injected _ = inject("misdirected,op=read,seed=3");
            assertThat(bed.read(64 << 10, BLOCK)).isNotEqualTo(block(1));
        }
    }

    @Test
    void aWriteIsMisdirectedByWholeBlocksOrNotStruck() {
        try (TestBed bed = TestBed.of(injector)) {
            Injected aLittle = inject("misdirected=3");
            bed.write(0, block(1));
            assertThat(aLittle.struck()).isEqualTo(1);
            injector.clear();
            int next = bed.disk().logicalBlockBytes();
            assertThat(bed.read(0, next)).containsOnly(0);
            assertThat(bed.read(next, BLOCK)).isEqualTo(block(1));

            Injected around = inject("misdirected=" + SIZE);
            bed.write(0, block(2));
            assertThat(around.struck()).isZero();
            assertThat(bed.read(0, BLOCK)).isEqualTo(block(2));
        }
    }

    @Test
    void oneBitRotsOnTheWayOrOnTheMedium() {
        try (TestBed bed = TestBed.of(injector)) {
            bed.write(0, block(0));
            Injected _ = inject("rot,from=512,to=1K,next=1");
            byte[] rotten = bed.read(0, BLOCK);
            assertThat(MemorySegment.ofArray(rotten).mismatch(MemorySegment.ofArray(block(0))))
                    .isBetween(512L, 1023L);
            assertThat(bits(rotten)).isEqualTo(1);
            assertThat(bed.read(0, BLOCK)).isEqualTo(block(0));

            Injected _ = inject("rot,op=write,next=1");
            bed.write(0, block(0));
            assertThat(bits(bed.read(0, BLOCK))).isEqualTo(1);
            assertThat(bits(bed.read(0, BLOCK))).isEqualTo(1);
            bed.write(0, block(0));
            assertThat(bits(bed.read(0, BLOCK))).isZero();
        }
    }

    private static int bits(byte[] data) {
        int count = 0;
        for (byte each : data) {
            count += Integer.bitCount(each & 0xff);
        }
        return count;
    }

    @Test
    void aFullDiskTakesSoMuchAndAProtectedOneNothing() {
        try (TestBed bed = TestBed.of(injector)) {
            Injected _ = inject("full=8K");
            bed.write(0, block(1));
            bed.write(BLOCK, block(1));
            assertFails(() -> bed.write(0, block(2)), Errno.ENOSPC);
            bed.discard(0, BLOCK);
            injector.clear();

            Injected _ = inject("write-protect");
            // The driver tells its clients EIO, as Linux does.
            assertFails(() -> bed.write(0, block(2)), Errno.EIO);
            assertFails(() -> bed.discard(BLOCK, BLOCK), Errno.EIO);
            bed.flush();
            assertThat(bed.read(BLOCK, BLOCK)).isEqualTo(block(1));
        }
    }

    @Test
    void whatHangsGoesOnWhenItIsReleased() {
        try (TestBed bed = TestBed.of(injector)) {
            Injected hang = inject("hang,op=flush,op=write");
            Injected error = inject("error,op=flush");
            MemorySegment data = bed.memory(BLOCK).fill((byte) 7);
            InFlight write = bed.submit(request -> request.write(0).add(data));
            InFlight flush = bed.submit(DiskRequest::flush);
            while (hang.hanging() < 2) {
                LockSupport.parkNanos(1_000_000);
            }
            assertThat(bed.read(0, BLOCK)).containsOnly(0);

            injector.release();
            long _ = write.check();
            assertFails(flush::check, Errno.EIO);
            assertThat(injector.faults()).containsExactly(error);
            assertThat(hang.hanging()).isZero();
            assertThat(bed.read(0, BLOCK)).isEqualTo(block(7));
        }
    }

    @Test
    void whatHangsFailsWhenTheDeviceEnds() throws Exception {
        try (TestBed bed = TestBed.of(injector)) {
            Injected hang = inject("hang");
            InFlight flush = bed.submit(DiskRequest::flush);
            while (hang.hanging() < 1) {
                LockSupport.parkNanos(1_000_000);
            }
            bed.beginStop().get(1, TimeUnit.MINUTES);
            assertFails(flush::check, Errno.EIO);
        }
    }

    @Test
    void whatIsDelayedGoesOnWhenTheFaultIsTakenBackOrTheDeviceStops() throws Exception {
        try (TestBed bed = TestBed.of(injector)) {
            MemorySegment data = bed.memory(BLOCK).fill((byte) 7);
            Injected first = inject("delay=1000s,op=write");
            InFlight cleared = bed.submit(request -> request.write(0).add(data));
            awaitStruck(first);
            injector.clear();
            assertThat(cleared.check()).isEqualTo(BLOCK);

            Injected second = inject("delay=1000s,op=write");
            InFlight stopped = bed.submit(request -> request.write(0).add(data));
            awaitStruck(second);
            bed.beginStop().get(1, TimeUnit.MINUTES);
            assertThat(stopped.check()).isEqualTo(BLOCK);
        }
    }

    private static void awaitStruck(Injected fault) {
        while (fault.struck() < 1) {
            LockSupport.parkNanos(1_000_000);
        }
    }

    @Test
    void aDelayGoesOnToTheNextFault() {
        try (TestBed bed = TestBed.of(injector)) {
            Injected delay = inject("delay=1ms,op=read");
            Injected _ = inject("error=ENODATA,op=read");
            assertFails(() -> bed.read(0, BLOCK), Errno.ENODATA);
            assertThat(delay.struck()).isEqualTo(1);
        }
    }

    @Test
    void whatIsRandomIsTheSameForTheSameSeed() {
        assertThat(lost(7)).isEqualTo(lost(7)).isNotEqualTo(lost(8));
        assertThat(lost(7).chars().filter(each -> each == '1').count()).isBetween(30L, 70L);
    }

    private static String lost(long seed) {
        DiskFault fault = DiskFault.lost().probability(0.5).seed(seed);
        StringBuilder lost = new StringBuilder();
        try (TestBed bed = TestBed.of(new FaultInjector(disk(), fault))) {
            for (int i = 0; i < 100; i++) {
                bed.write((long) i * BLOCK, block(1));
                lost.append(bed.read((long) i * BLOCK, 512)[0]);
            }
        }
        return lost.toString();
    }

    @Test
    void replicasThatKeepToAnAtlasHaveAllDataBetweenThem() {
        FaultAtlas atlas = FaultAtlas.of(3, 1).withChunk(BLOCK).withSeed(5).protecting(0, BLOCK);
        int[] copies = new int[SIZE / BLOCK];
        int faults = 0;
        for (int replica = 0; replica < 3; replica++) {
            DiskFault fault =
                    (replica == 1 ? DiskFault.misdirected() : DiskFault.lost())
                            .keepingTo(atlas.replica(replica));
            FaultInjector one = new FaultInjector(disk(), fault);
            try (TestBed bed = TestBed.of(one)) {
                for (int i = 0; i < copies.length; i++) {
                    bed.write((long) i * BLOCK, block(i % 100 + 1));
                }
                faults += (int) one.faults().getFirst().struck();
                one.clear();
                for (int i = 0; i < copies.length; i++) {
                    copies[i] += bed.read((long) i * BLOCK, BLOCK)[0] == i % 100 + 1 ? 1 : 0;
                }
            }
        }
        assertThat(copies[0]).isEqualTo(3);
        for (int each : copies) {
            assertThat(each).isPositive();
        }
        assertThat(faults).isGreaterThan(copies.length);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "error=EIO,op=write,from=1M,to=2M,every=100",
                "delay=5ms,op=read",
                "delay=p50:200us/p99.9:5ms/max:40ms,probability=0.25,seed=7",
                "hang,op=flush,after=3,next=1",
                "torn=512",
                "torn=4K",
                "misdirected=anywhere",
                "lost,op=write,op=flush",
                "misdirected=64K",
                "rot,op=write",
                "full=1G",
                "write-protect",
                "rot,replica=1/3,keep=2,chunk=64K,atlas-seed=4,protect=0-1M,protect=2M-3M"
            })
    void isTheSameFromItsText(String text) {
        assertThat(DiskFault.parse(text)).hasToString(text);
        assertThat(DiskFault.parse(" " + text.replace(",", " , "))).hasToString(text);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            textBlock =
                    """
                    ``                         | '' is nothing that goes wrong
                    op=write                   | what is to go wrong? Name one of error, delay, hang
                    lost,rot                   | lost and rot are several faults
                    error,error                | error is given twice
                    error=EFROB                | 'EFROB' is no errno that is known here
                    hang=5                     | hang takes no value
                    delay=5                    | '5' is no time; write it like 5ms
                    delay=p50:9ms/p99:5ms      | a higher percentile is no shorter time
                    delay=p101:9ms/p99:5ms     | a percentile is from 0 to 100
                    delay=x:9ms                | is no table of latency
                    torn=0                     | the unit of a torn write is 0 bytes
                    torn,op=read               | torn is nothing that happens to a read
                    full=9999999T              | is no size below 8E
                    lost,op=trim               | 'trim' is no operation
                    lost,from=4K,to=4K         | no bytes lie from 4096 to 4096
                    lost,every=0               | every 0 is none
                    lost,next=x                | next is a whole number, and not 'x'
                    lost,probability=2         | a probability is from 0 to 1
                    lost,probability=NaN       | a probability is from 0 to 1
                    lost,replica=4/3           | there is no replica 4 of 3
                    lost,replica=0/3           | there is no replica 0 of 3
                    lost,replica=1             | '1' is no replica
                    lost,replica=1/3,keep=4    | of 3 replicas, 4 cannot be kept
                    lost,keep=1                | keep needs replica=NUMBER/COUNT
                    lost,protect=5             | '5' is no range
                    """)
    void aTextThatSaysNoFaultIsRefused(String text, String reason) {
        assertThatThrownBy(() -> DiskFault.parse(text))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining(reason);
    }

    @Test
    void timesAreDrawnFromTheTable() {
        LatencyTable table = LatencyTable.parse("p50:200us/p99:5ms/max:40ms");
        assertThat(table.nanosAt(0)).isEqualTo(200_000);
        assertThat(table.nanosAt(0.5)).isEqualTo(200_000);
        assertThat(table.nanosAt(0.745)).isEqualTo(2_600_000);
        assertThat(table.nanosAt(0.99)).isEqualTo(5_000_000);
        assertThat(table.nanosAt(1)).isEqualTo(40_000_000);
    }

    @Test
    void aRequestThatNoFaultStrikesAllocatesNothing() throws Exception {
        AtomicLong thread = new AtomicLong();
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        int requests = 5_000;
        Injected _ = inject("lost,from=512K");
        Injected _ = inject("error,op=read");
        Injected _ = inject("error,op=write,probability=0");
        try (EmbeddedDriver driver = EmbeddedDriver.create();
                Arena arena = Arena.ofShared();
                Device device = Device.start(driver, injector, DeviceOptions.defaults());
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
            // The thread itself allocates a little now and then: less than a byte for each request.
            assertThat(least).isLessThan(requests);
        }
    }
}
