package dev.ublk4j.vhostuser;

import static dev.ublk4j.vhostuser.TestRing.DATA;
import static dev.ublk4j.vhostuser.TestRing.DISCARD;
import static dev.ublk4j.vhostuser.TestRing.FLUSH;
import static dev.ublk4j.vhostuser.TestRing.GET_ID;
import static dev.ublk4j.vhostuser.TestRing.IN;
import static dev.ublk4j.vhostuser.TestRing.INDIRECT;
import static dev.ublk4j.vhostuser.TestRing.IOERR;
import static dev.ublk4j.vhostuser.TestRing.NEXT;
import static dev.ublk4j.vhostuser.TestRing.OK;
import static dev.ublk4j.vhostuser.TestRing.OUT;
import static dev.ublk4j.vhostuser.TestRing.UNSUPP;
import static dev.ublk4j.vhostuser.TestRing.WRITE;
import static dev.ublk4j.vhostuser.TestRing.WRITE_ZEROES;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.ublk4j.driver.DataCounters;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.Fd;
import dev.ublk4j.server.Geometry;
import dev.ublk4j.server.Request;
import dev.ublk4j.server.SimpleTarget;
import dev.ublk4j.server.Target;
import dev.ublk4j.sharedmemory.SharedMemory;
import dev.ublk4j.targets.BackingFile;
import dev.ublk4j.targets.FileTarget;
import dev.ublk4j.targets.MemoryTarget;
import dev.ublk4j.targets.NullTarget;
import dev.ublk4j.uring.Fallocate;
import dev.ublk4j.uring.Ring;
import dev.ublk4j.uring.RingOptions;
import dev.ublk4j.vhostuser.TestRing.Piece;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** A disk as a guest sees it, whose rings are of the one kind or the other. */
@ParameterizedClass
@EnumSource(RingFormat.class)
final class VhostUserExportTest {
    private static final int DISK_BYTES = 16 << 20;
    private static final int BLOCK = 4096;
    private static final Duration SOON = Duration.ofMinutes(4);

    @Parameter private RingFormat format;
    @TempDir private Path folder;

    private TestExport memory(int queues) {
        return new TestExport(new MemoryTarget(DISK_BYTES), queues, folder);
    }

    private static void fill(MemorySegment memory, int offset, int bytes, int seed) {
        for (int i = 0; i < bytes; i++) {
            memory.set(JAVA_BYTE, (long) offset + i, (byte) (i * 31 + seed));
        }
    }

    private static boolean isFilled(MemorySegment memory, int offset, int bytes, int seed) {
        for (int i = 0; i < bytes; i++) {
            if (memory.get(JAVA_BYTE, (long) offset + i) != (byte) (i * 31 + seed)) {
                return false;
            }
        }
        return true;
    }

    @Test
    void whatIsWrittenIsReadAndNothingIsCopied() {
        try (TestExport disk = memory(1);
                TestClient client = TestClient.withMemory(disk.socket(), format)) {
            TestRing ring = TestRing.of(client, 0).started();
            fill(client.memory(), DATA, BLOCK, 7);
            assertThat(ring.run(OUT, 8, DATA, BLOCK)).isEqualTo(OK);
            assertThat(ring.run(IN, 8, DATA + BLOCK, BLOCK)).isEqualTo(OK);
            assertThat(isFilled(client.memory(), DATA + BLOCK, BLOCK, 7)).isTrue();
            DataCounters counters = disk.export.counters();
            assertThat(counters.hits()).isEqualTo(2);
            assertThat(counters.misses()).isZero();
            assertThat(counters.bytesCopied()).isZero();
        }
    }

    @Test
    void aFileIsReadIntoTheClientsOwnMemory() throws IOException {
        Path file = folder.resolve("disk.img");
        byte[] content = new byte[DISK_BYTES];
        for (int i = 0; i < BLOCK; i++) {
            content[BLOCK + i] = (byte) (i * 31 + 3);
        }
        Files.write(file, content);
        Target target = new FileTarget(BackingFile.open(file, BackingFile.Caching.BUFFERED, false));
        try (TestExport disk = new TestExport(target, 1, folder);
                TestClient client = TestClient.withMemory(disk.socket(), format)) {
            TestRing ring = TestRing.of(client, 0).started();
            assertThat(ring.run(IN, 8, DATA, BLOCK)).isEqualTo(OK);
            assertThat(isFilled(client.memory(), DATA, BLOCK, 3)).isTrue();
            fill(client.memory(), DATA, BLOCK, 4);
            assertThat(ring.run(OUT, 16, DATA, BLOCK)).isEqualTo(OK);
            assertThat(ring.run(FLUSH, 0, 0, 0)).isEqualTo(OK);
            assertThat(disk.export.counters().bytesCopied()).isZero();
        }
        byte[] after = Files.readAllBytes(file);
        assertThat(isFilled(MemorySegment.ofArray(after), 16 * 512, BLOCK, 4)).isTrue();
    }

    @Test
    void dataAcrossAGibibyteOfALargeRegionIsNotCopied() {
        long bytes = 2L << 30;
        long guest = 0x1_0000_0000L;
        try (TestExport disk = memory(1);
                TestClient client = TestClient.withMemory(disk.socket());
                SharedMemory large = SharedMemory.create("test-large", bytes)) {
            ByteBuffer region = TestClient.region(guest, bytes, 0x6000_0000_0000L, 0);
            client.tell(TestClient.ADD_MEM_REG, region, large.fd());
            TestRing ring = new SplitTestRing(client, 0).started();
            ring.header(0, IN, 0);
            ring.descriptor(0, TestRing.guest(ring.headerOf(0)), 16, NEXT, 1);
            ring.descriptor(1, guest + bytes / 2 - 2048, BLOCK, NEXT | WRITE, 2);
            ring.descriptor(2, TestRing.guest(ring.headerOf(0) + 16), 1, WRITE, 0);
            ring.offerAndKick(0);
            ring.awaitUsed(0);
            assertThat(ring.status(0)).isEqualTo(OK);
            assertThat(disk.export.counters().hits()).isOne();
            assertThat(disk.export.counters().misses()).isZero();
        }
    }

    private Target file(int seed) throws IOException {
        byte[] content = new byte[DISK_BYTES];
        fill(MemorySegment.ofArray(content), 0, BLOCK, seed);
        Path file = Files.write(folder.resolve("disk.img"), content);
        return new FileTarget(BackingFile.open(file, BackingFile.Caching.BUFFERED, false));
    }

    @Test
    void memoryThatTheClientHasNotTouchedGetsNoPages() throws IOException {
        try (TestExport disk = new TestExport(file(1), 1, folder);
                TestClient client = TestClient.withMemory(disk.socket(), format)) {
            TestRing ring = TestRing.of(client, 0).started();
            assertThat(ring.run(IN, 0, DATA, BLOCK)).isEqualTo(OK);
            assertThat(disk.export.counters().hits()).isOne();
            assertThat(client.file().fd().seek(DATA + BLOCK, Fd.SEEK_DATA))
                    .as("whether there is a page behind that of the request")
                    .isEqualTo(Errno.ENXIO.negated());
        }
    }

    @Test
    void memoryIsPinnedForFixedIoWhereThatIsAskedFor() throws IOException {
        try (TestExport disk =
                        new TestExport(file(1), 1, folder, options -> options.withPinned(true));
                TestClient client = TestClient.withMemory(disk.socket(), format)) {
            TestRing ring = TestRing.of(client, 0).started();
            assertThat(ring.run(IN, 0, DATA, BLOCK)).isEqualTo(OK);
            assertThat(isFilled(client.memory(), DATA, BLOCK, 1)).isTrue();
            assertThat(client.file().fd().seek(DATA + BLOCK, Fd.SEEK_DATA))
                    .as("the first page behind that of the request")
                    .isEqualTo(DATA + BLOCK);
        }
    }

    /** A balloon does that. */
    @Test
    void aPageThatTheClientHasGivenBackAndTakenAgainIsTheOneThatIsReadInto() throws IOException {
        try (TestExport disk = new TestExport(file(2), 1, folder);
                TestClient client = TestClient.withMemory(disk.socket(), format);
                Ring holes = Ring.open(RingOptions.defaults())) {
            TestRing ring = TestRing.of(client, 0).started();
            assertThat(ring.run(IN, 0, DATA, BLOCK)).isEqualTo(OK);
            int mode = Fallocate.FALLOC_FL_PUNCH_HOLE | Fallocate.FALLOC_FL_KEEP_SIZE;
            holes.fallocate(client.file().fd().number(), mode, DATA, BLOCK, 1);
            holes.submitAndWait(1);
            holes.drain((userData, result, flags) -> assertThat(result).isZero());
            assertThat(client.memory().get(JAVA_BYTE, DATA + 1)).as("a new page").isZero();

            assertThat(ring.run(IN, 0, DATA, BLOCK)).isEqualTo(OK);
            assertThat(isFilled(client.memory(), DATA, BLOCK, 2)).isTrue();
            assertThat(disk.export.counters().bytesCopied()).isZero();
        }
    }

    @Test
    void aClientLearnsOfTheDisk() {
        try (TestExport disk =
                        new TestExport(
                                new MemoryTarget(DISK_BYTES),
                                2,
                                folder,
                                options -> options.withSerial("number-17"));
                TestClient client = TestClient.withMemory(disk.socket(), format)) {
            assertThat(client.ask(TestClient.GET_QUEUE_NUM, TestClient.payload()).getLong())
                    .isEqualTo(2);
            assertThat(client.ask(TestClient.GET_MAX_MEM_SLOTS, TestClient.payload()).getLong())
                    .isGreaterThan(8);
            ByteBuffer config = config(client, 60);
            assertThat(config.getLong(0)).isEqualTo(DISK_BYTES / 512);
            assertThat(config.getInt(20)).isEqualTo(512);
            assertThat(config.getShort(34)).isEqualTo((short) 2);
            assertThat(config.getInt(36)).isPositive();
            TestRing ring = TestRing.of(client, 0).started();
            assertThat(ring.run(GET_ID, 0, DATA, 20)).isEqualTo(OK);
            byte[] serial = client.memory().asSlice(DATA, 9).toArray(JAVA_BYTE);
            assertThat(new String(serial, StandardCharsets.US_ASCII)).isEqualTo("number-17");
        }
    }

    private static ByteBuffer config(TestClient client, int bytes) {
        ByteBuffer ask = ByteBuffer.allocate(12 + bytes).order(java.nio.ByteOrder.LITTLE_ENDIAN);
        ask.putInt(0).putInt(bytes).putInt(0).position(0);
        ByteBuffer answer = client.ask(TestClient.GET_CONFIG, ask);
        assertThat(answer.remaining()).isEqualTo(12 + bytes);
        return answer.slice(12, bytes).order(java.nio.ByteOrder.LITTLE_ENDIAN);
    }

    @Test
    void discardedAndZeroedRangesReadAsZeroes() {
        try (TestExport disk = memory(1);
                TestClient client = TestClient.withMemory(disk.socket(), format)) {
            TestRing ring = TestRing.of(client, 0).started();
            fill(client.memory(), DATA + BLOCK, 2 * BLOCK, 1);
            assertThat(ring.run(OUT, 0, DATA + BLOCK, 2 * BLOCK)).isEqualTo(OK);
            assertThat(ring.runRange(DISCARD, 0, 8, 0)).isEqualTo(OK);
            assertThat(ring.runRange(WRITE_ZEROES, 8, 8, 1)).isEqualTo(OK);
            assertThat(ring.run(IN, 0, DATA + BLOCK, 2 * BLOCK)).isEqualTo(OK);
            MemorySegment read = client.memory().asSlice(DATA + BLOCK, 2 * BLOCK);
            assertThat(read.mismatch(Arena.ofAuto().allocate(2 * BLOCK))).isEqualTo(-1);
            assertThat(ring.runRange(DISCARD, 0, 8, 1)).isEqualTo(UNSUPP);
            assertThat(ring.runRange(WRITE_ZEROES, 0, 8, 2)).isEqualTo(UNSUPP);
            assertThat(ring.runRange(WRITE_ZEROES, DISK_BYTES / 512 - 1, 8, 0)).isEqualTo(IOERR);
        }
    }

    @Test
    void whatTheDiskCannotDoFailsAndNothingElse() {
        try (TestExport disk = memory(1);
                TestClient client = TestClient.withMemory(disk.socket(), format)) {
            TestRing ring = TestRing.of(client, 0).started();
            assertThat(ring.run(77, 0, DATA, 512)).isEqualTo(UNSUPP);
            assertThat(ring.run(IN, DISK_BYTES / 512, DATA, 512)).isEqualTo(IOERR);
            assertThat(ring.run(OUT, -1, DATA, 512)).isEqualTo(IOERR);
            assertThat(ring.run(IN, Long.MIN_VALUE >>> 8, DATA, 512)).isEqualTo(IOERR);
            assertThat(ring.run(IN, 0, DATA, 511)).isEqualTo(IOERR);
            assertThat(ring.run(IN, 0, DATA, 512)).isEqualTo(OK);
        }
    }

    @Test
    void aReadOnlyDiskRefusesWrites() {
        Target target =
                new SimpleTarget() {
                    @Override
                    public Geometry geometry() {
                        return Geometry.ofSize(DISK_BYTES).asReadOnly();
                    }

                    @Override
                    public int read(Request request) {
                        return (int) request.length();
                    }

                    @Override
                    public int write(Request request) {
                        throw new AssertionError("written to");
                    }
                };
        try (TestExport disk = new TestExport(target, 1, folder);
                TestClient client = TestClient.withMemory(disk.socket(), format)) {
            long features = client.ask(TestClient.GET_FEATURES, TestClient.payload()).getLong();
            assertThat(features & 1L << 5).as("VIRTIO_BLK_F_RO").isNotZero();
            TestRing ring = TestRing.of(client, 0).started();
            assertThat(ring.run(OUT, 0, DATA, 512)).isEqualTo(IOERR);
            assertThat(ring.runRange(DISCARD, 0, 8, 0)).isEqualTo(UNSUPP);
        }
    }

    @Test
    void anIndirectTableAndAnOddLayoutAreFollowed() {
        try (TestExport disk = memory(1);
                TestClient client = TestClient.withMemory(disk.socket(), format)) {
            TestRing ring = TestRing.of(client, 0).started();
            fill(client.memory(), DATA, BLOCK, 9);
            // The header in two parts, the data in three that do not touch, the status by itself.
            ring.header(0, OUT, 0);
            int table = DATA + 64 * BLOCK;
            long header = TestRing.guest(ring.headerOf(0));
            ring.table(
                    table,
                    new Piece(header, 6, 0),
                    new Piece(header + 6, 10, 0),
                    new Piece(TestRing.guest(DATA), 512, 0),
                    new Piece(TestRing.guest(DATA + 512), 3072, 0),
                    new Piece(TestRing.guest(DATA + 3584), 512, 0),
                    new Piece(header + 16, 1, WRITE));
            ring.descriptor(5, TestRing.guest(table), 96, INDIRECT, 0);
            ring.offerAndKick(5);
            assertThat(ring.awaitUsed(5)).isEqualTo(1);
            assertThat(ring.status(0)).isEqualTo(OK);
            assertThat(ring.run(IN, 0, DATA + BLOCK, BLOCK)).isEqualTo(OK);
            assertThat(isFilled(client.memory(), DATA + BLOCK, BLOCK, 9)).isTrue();
        }
    }

    @Test
    void dataThatIsNotAlignedGetsThereAllTheSame() {
        try (TestExport disk = memory(1);
                TestClient client = TestClient.withMemory(disk.socket(), format)) {
            TestRing ring = TestRing.of(client, 0).started();
            fill(client.memory(), DATA + 1, BLOCK, 5);
            assertThat(ring.run(OUT, 0, DATA + 1, BLOCK)).isEqualTo(OK);
            assertThat(ring.run(IN, 0, DATA + BLOCK + 7, BLOCK)).isEqualTo(OK);
            assertThat(isFilled(client.memory(), DATA + BLOCK + 7, BLOCK, 5)).isTrue();
            assertThat(disk.export.bounces()).isEqualTo(2);
        }
    }

    @Test
    void everyQueueServesItsOwnRing() {
        try (TestExport disk = memory(3);
                TestClient client = TestClient.withMemory(disk.socket(), format)) {
            List<TestRing> rings = new ArrayList<>();
            for (int index = 0; index < 3; index++) {
                TestRing ring = TestRing.of(client, index).started();
                rings.add(ring);
                fill(client.memory(), DATA, 512, index);
                assertThat(ring.run(OUT, index, DATA, 512)).isEqualTo(OK);
            }
            assertThat(rings).extracting(TestRing::answered).containsOnly(1);
            assertThat(client.acknowledged(TestClient.SET_VRING_NUM, TestClient.pair(3, 64)))
                    .as("a fourth ring")
                    .isNotZero();
        }
    }

    @Test
    void manyRequestsAtOnceAreAllAnswered() {
        try (TestExport disk = memory(1);
                TestClient client = TestClient.withMemory(disk.socket(), format)) {
            TestRing ring = TestRing.of(client, 0).started();
            runBatches(ring, 500);
            assertThat(disk.export.counters().hits()).isEqualTo(10_000);
        }
    }

    @Test
    void servingAllocatesNothing() {
        try (TestExport disk = memory(1);
                TestClient client = TestClient.withMemory(disk.socket(), format)) {
            TestRing ring = TestRing.of(client, 0).started();
            runBatches(ring, 1000);
            long least = Long.MAX_VALUE;
            for (int round = 0; round < 5; round++) {
                long before = allocatedBy("ublk0-q0");
                runBatches(ring, 1000);
                least = Math.min(least, allocatedBy("ublk0-q0") - before);
            }
            // A recompilation, a sleep or two; a single object for each request would be more.
            assertThat(least).isLessThan(100_000);
        }
    }

    /** Twenty requests at a time. */
    private static void runBatches(TestRing ring, int batches) {
        for (int batch = 0; batch < batches; batch++) {
            for (int number = 0; number < 60; number += 3) {
                ring.request(number, IN, number, DATA + number * 512, 512);
                ring.offer(number);
            }
            ring.kick.signal();
            for (int number = 0; number < 60; number += 3) {
                ring.awaitUsed(number);
                assertThat(ring.status(number)).isEqualTo(OK);
            }
        }
    }

    private static long allocatedBy(String name) {
        Thread thread =
                Thread.getAllStackTraces().keySet().stream()
                        .filter(candidate -> candidate.getName().equals(name))
                        .findFirst()
                        .orElseThrow();
        return ((com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean())
                .getThreadAllocatedBytes(thread.threadId());
    }

    @Test
    void aRingGoesOnWhereItHasStopped() {
        try (TestExport disk = memory(1);
                TestClient client = TestClient.withMemory(disk.socket(), format)) {
            TestRing ring = TestRing.of(client, 0).started();
            assertThat(ring.run(IN, 0, DATA, 512)).isEqualTo(OK);
            assertThat(ring.run(IN, 0, DATA, 512)).isEqualTo(OK);
            int here = ring.here();
            assertThat(ring.base()).isEqualTo(here);
            // While it is stopped nothing is served.
            ring.request(0, IN, 0, DATA, 512);
            ring.offerAndKick(0);
            assertThat(client.ask(TestClient.GET_QUEUE_NUM, TestClient.payload()).getLong())
                    .isEqualTo(1);
            assertThat(ring.answered()).isEqualTo(2);
            client.tell(TestClient.SET_VRING_BASE, TestClient.pair(0, here));
            client.tell(TestClient.SET_VRING_KICK, TestClient.payload(0), ring.kick.fd());
            assertThat(ring.awaitUsed(0)).isEqualTo(513);
        }
    }

    @Test
    void aDisabledRingWaits() {
        try (TestExport disk = memory(1);
                TestClient client = TestClient.withMemory(disk.socket(), format)) {
            TestRing ring = TestRing.of(client, 0).started();
            client.tell(TestClient.SET_VRING_ENABLE, TestClient.pair(0, 0));
            ring.request(0, IN, 0, DATA, 512);
            ring.offerAndKick(0);
            assertThat(client.ask(TestClient.GET_QUEUE_NUM, TestClient.payload()).getLong())
                    .isEqualTo(1);
            assertThat(ring.answered()).isZero();
            client.tell(TestClient.SET_VRING_ENABLE, TestClient.pair(0, 1));
            assertThat(ring.awaitUsed(0)).isEqualTo(513);
        }
    }

    @Test
    void memoryComesAndGoesWhileARingRuns() {
        try (TestExport disk = memory(1);
                TestClient client = TestClient.withMemory(disk.socket(), format);
                SharedMemory more = SharedMemory.create("more", 1 << 20)) {
            TestRing ring = TestRing.of(client, 0).started();
            long guest = 0x8000_0000L;
            ByteBuffer region = TestClient.region(guest, 1 << 20, 0x6000_0000_0000L, 0);
            client.tell(TestClient.ADD_MEM_REG, region.duplicate(), more.fd());
            ring.header(0, IN, 0);
            ring.descriptor(0, TestRing.guest(ring.headerOf(0)), 16, NEXT, 1);
            ring.descriptor(1, guest, 512, NEXT | WRITE, 2);
            ring.descriptor(2, TestRing.guest(ring.headerOf(0) + 16), 1, WRITE, 0);
            ring.offerAndKick(0);
            ring.awaitUsed(0);
            assertThat(ring.status(0)).isEqualTo(OK);
            assertThat(disk.export.counters().bytesCopied()).isZero();
            client.tell(TestClient.REM_MEM_REG, region);
            assertThat(ring.run(IN, 0, DATA, 512)).isEqualTo(OK);
            ring.header(0, IN, 0);
            ring.descriptor(1, guest, 512, NEXT | WRITE, 2);
            ring.offerAndKick(0);
            assertThat(client.isDropped()).isTrue();
        }
    }

    @Test
    void aTableOfRegionsReplacesTheOneBefore() {
        try (TestExport disk = memory(1);
                TestClient client = TestClient.withMemory(disk.socket(), format)) {
            TestRing ring = TestRing.of(client, 0).started();
            assertThat(ring.run(IN, 0, DATA, 512)).isEqualTo(OK);
            ByteBuffer table =
                    TestClient.payload(
                            1, TestClient.GUEST, TestClient.MEMORY_BYTES, TestClient.USER, 0);
            client.tell(TestClient.SET_MEM_TABLE, table, client.file().fd());
            assertThat(ring.run(IN, 0, DATA, 512)).isEqualTo(OK);
            assertThat(disk.export.counters().hits()).isEqualTo(2);
        }
    }

    @Test
    void aClientIsCalledWhenItAsksToBe() {
        try (TestExport disk = memory(1);
                TestClient client = TestClient.withMemory(disk.socket(), format)) {
            TestRing ring = TestRing.of(client, 0).started();
            ring.callAfter(3);
            ring.forgetCalls();
            assertThat(ring.run(IN, 0, DATA, 512)).isEqualTo(OK);
            assertThat(ring.run(IN, 0, DATA, 512)).isEqualTo(OK);
            assertThat(ring.base())
                    .as("after which nothing more is called for")
                    .isEqualTo(ring.here());
            assertThat(ring.isCalled(Duration.ZERO)).isFalse();
            client.tell(TestClient.SET_VRING_BASE, TestClient.pair(0, ring.here()));
            client.tell(TestClient.SET_VRING_KICK, TestClient.payload(0), ring.kick.fd());
            ring.forgetCalls();
            assertThat(ring.run(IN, 0, DATA, 512)).isEqualTo(OK);
            assertThat(ring.isCalled(SOON)).isTrue();
        }
    }

    @Test
    void theNextClientFindsTheDiskAsItWasLeft() {
        try (TestExport disk = memory(1)) {
            try (TestClient client = TestClient.withMemory(disk.socket(), format)) {
                TestRing ring = TestRing.of(client, 0).started();
                fill(client.memory(), DATA, BLOCK, 2);
                assertThat(ring.run(OUT, 0, DATA, BLOCK)).isEqualTo(OK);
                client.hangUp();
            }
            try (TestClient client = TestClient.withMemory(disk.socket(), format)) {
                TestRing ring = TestRing.of(client, 0).started();
                assertThat(ring.run(IN, 0, DATA, BLOCK)).isEqualTo(OK);
                assertThat(isFilled(client.memory(), DATA, BLOCK, 2)).isTrue();
            }
        }
    }

    @Test
    void aNullDiskOfManyTerabytesIsServed() {
        try (TestExport disk = new TestExport(new NullTarget(1L << 45), 1, folder);
                TestClient client = TestClient.withMemory(disk.socket(), format)) {
            TestRing ring = TestRing.of(client, 0).started();
            assertThat(ring.run(IN, (1L << 36) - 8, DATA, BLOCK)).isEqualTo(OK);
            assertThat(ring.run(IN, 1L << 36, DATA, BLOCK)).isEqualTo(IOERR);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"Größe", "a\tb", "number 17 of 20 and more"})
    void aSerialNumberThatAGuestCannotBeToldIsRefused(String serial) {
        VhostUserOptions options = VhostUserOptions.at(folder.resolve("unused"));

        assertThatThrownBy(() -> options.withSerial(serial))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("serial number");
    }
}
