package dev.ublk4j.conformance.rules;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.ublk4j.conformance.device.Handler;
import dev.ublk4j.conformance.device.QueueLoop;
import dev.ublk4j.conformance.device.Seen;
import dev.ublk4j.conformance.device.Shape;
import dev.ublk4j.conformance.device.TestDevice;
import dev.ublk4j.conformance.lane.ClientArea;
import dev.ublk4j.conformance.lane.ClientDisk;
import dev.ublk4j.conformance.lane.Io;
import dev.ublk4j.conformance.lane.Lane;
import dev.ublk4j.kernel.KernelDriver;
import dev.ublk4j.layers.IntegrityTarget;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.server.Device;
import dev.ublk4j.server.DeviceOptions;
import dev.ublk4j.server.IntegrityFormat;
import dev.ublk4j.server.IntegrityFormat.Checksum;
import dev.ublk4j.server.Mode;
import dev.ublk4j.targets.MemoryTarget;
import dev.ublk4j.uapi.ControlCommand;
import dev.ublk4j.uapi.Feature;
import dev.ublk4j.uapi.IoFlag;
import dev.ublk4j.uapi.wire.BufferOffset;
import dev.ublk4j.uapi.wire.DeviceParams;
import dev.ublk4j.uapi.wire.DeviceParams.Basic;
import dev.ublk4j.uapi.wire.DeviceParams.DmaAlign;
import dev.ublk4j.uapi.wire.DeviceParams.Integrity;
import dev.ublk4j.uapi.wire.ParamsLayout;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Devices with integrity metadata ({@code UBLK_F_INTEGRITY}). */
public abstract class IntegrityRules extends LaneRules {
    private static final long SIZE = 4L << 20;
    private static final int BYTES = 64 << 10;
    private static final int EILSEQ = -84;
    private static final DeviceOptions OPTIONS =
            DeviceOptions.defaults().withDepth(8).with(Feature.NO_AUTO_PART_SCAN);
    private static final ValueLayout.OfShort BIG_ENDIAN_SHORT =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);
    private static final ValueLayout.OfInt BIG_ENDIAN_INT =
            ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);

    protected IntegrityRules(Supplier<? extends Lane> lanes) {
        super(lanes);
    }

    @BeforeEach
    void theDriverHasIntegrity() {
        assumeTrue(
                control().features().contains(Feature.INTEGRITY),
                "the driver is older than Linux 7.0, or was built without integrity");
    }

    private static Shape withIntegrity() {
        return Shape.plain().with(Feature.INTEGRITY, Feature.USER_COPY);
    }

    private static Integrity params(
            int flags, int interval, int size, int offset, int checksum, int tagSize) {
        return new Integrity(flags, 0, interval, size, offset, checksum, tagSize);
    }

    static Stream<Arguments> parameters() {
        return Stream.of(
                Arguments.of("bytes that nobody checks", params(0, 9, 8, 0, 0, 0), 0),
                Arguments.of("the most bytes", params(0, 9, 255, 200, 0, 0), 0),
                Arguments.of("type 1", params(3, 9, 8, 0, 2, 2), 0),
                Arguments.of("type 3", params(1, 9, 8, 0, 2, 255), 0),
                Arguments.of("a checksum of IP behind others", params(2, 9, 64, 56, 1, 0), 0),
                Arguments.of("a checksum of NVMe", params(2, 9, 16, 0, 4, 0), 0),
                Arguments.of("no bytes", params(0, 9, 0, 0, 0, 0), EINVAL),
                Arguments.of("an unknown flag", params(4, 9, 8, 0, 2, 0), EINVAL),
                Arguments.of("an unknown checksum", params(0, 9, 8, 0, 3, 0), EINVAL),
                Arguments.of("a larger checksum", params(0, 9, 16, 0, 5, 0), EINVAL),
                Arguments.of("reference tags alone", params(2, 9, 8, 0, 0, 0), EINVAL),
                Arguments.of("too few bytes for T10", params(0, 9, 7, 0, 2, 0), EINVAL),
                Arguments.of("too few bytes for NVMe", params(0, 9, 15, 0, 4, 0), EINVAL),
                Arguments.of("an offset that is too large", params(0, 9, 16, 9, 2, 0), EINVAL),
                Arguments.of("an offset behind the end", params(0, 9, 8, 9, 0, 0), EINVAL),
                Arguments.of("an interval below a sector", params(0, 8, 8, 0, 2, 0), EINVAL),
                Arguments.of("an interval above a block", params(0, 10, 8, 0, 2, 0), EINVAL));
    }

    private int set(TestDevice device, DeviceParams params) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment memory = arena.allocate(ParamsLayout.SIZE, 8);
            params.write(memory, 0);
            return raw().send(ControlCommand.SET_PARAMS, device.id(), memory);
        }
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("parameters")
    void itsParametersAreChecked(String what, Integrity integrity, int answer) {
        try (TestDevice device = added(withIntegrity())) {
            DeviceParams params = Shape.plain().params().with(integrity);
            assertThat(set(device, params)).as(what).isEqualTo(answer);
            assertThat(device.control().params(device.id()).integrity())
                    .isEqualTo(answer == 0 ? integrity : null);
        }
    }

    @Test
    void itsParametersAreInvalidForADeviceWithout() {
        try (TestDevice device = added(Shape.plain().with(Feature.USER_COPY))) {
            DeviceParams params = Shape.plain().params().with(params(0, 9, 8, 0, 0, 0));
            assertThat(set(device, params)).isEqualTo(EINVAL);
        }
    }

    @Test
    void metadataOfADeviceWithoutIsInvalidToCopy() {
        try (TestDevice device = live(Shape.plain().with(Feature.USER_COPY), Handler.agreeing());
                Arena arena = Arena.ofConfined()) {
            MemorySegment memory = arena.allocate(8);
            long position = BufferOffset.ofIntegrity(0, 0, 0);
            assertThat(device.charDevice().pread(memory, position)).isEqualTo(EINVAL);
            assertThat(device.charDevice().pwrite(memory, position)).isEqualTo(EINVAL);
        }
    }

    @Test
    void metadataIsCopiedOneWayAndUpToItsEnd() {
        DeviceParams params = Shape.plain().params().with(params(0, 9, 8, 0, 0, 0));
        try (TestDevice device = live(withIntegrity().with(params), Handler.holding());
                Arena arena = Arena.ofShared();
                ClientArea area = lane().area(pattern(pages(arena, PAGE), 9));
                ClientDisk disk = device.open()) {
            QueueLoop queue = device.queue();
            CompletableFuture<Long> write = disk.submit(Io.write(0, area.all()));
            Seen request = queue.awaitSeen(1).getFirst();
            MemorySegment copy = arena.allocate(128);
            // A kernel makes up zeroes; a client of the embedded driver has brought none.
            boolean has = (request.flags() & IoFlag.UBLK_IO_F_INTEGRITY) != 0;
            assertThat(has).isEqualTo(lane().driver() instanceof KernelDriver);
            long all = has ? PAGE / 512 * 8 : 0;
            long position = BufferOffset.ofIntegrity(0, request.tag(), 0);
            assertThat(queue.onThread(() -> device.charDevice().pread(copy, position)))
                    .isEqualTo(all);
            assertThat(queue.onThread(() -> device.charDevice().pread(copy, position + 40)))
                    .isEqualTo(Math.max(0, all - 40));
            assertThat(queue.onThread(() -> device.charDevice().pread(copy, position + 65)))
                    .as("behind the end")
                    .isEqualTo(EINVAL);
            assertThat(queue.onThread(() -> device.charDevice().pwrite(copy, position)))
                    .as("the wrong way round")
                    .isEqualTo(Errno.EACCES.negated());
            queue.answer(request, PAGE);
            assertThat(ClientDisk.await(write)).isEqualTo(PAGE);
            assertThat(queue.onThread(() -> device.charDevice().pread(copy, position)))
                    .as("of a tag that is not out")
                    .isEqualTo(EINVAL);
        }
    }

    private static Shape inBlocks(int shift, int maxSectors, Integrity integrity) {
        Basic basic = new Basic(0, shift, 12, 12, shift, maxSectors, 0, Shape.SIZE >> 9, 0);
        return withIntegrity().with(DeviceParams.of(basic).with(new DmaAlign(511)).with(integrity));
    }

    private static Io.Metadata metadata(Arena arena, int bytes) {
        return new Io.Metadata(pattern(arena.allocate(bytes, 8), 3), 0);
    }

    @Test
    void metadataThatAnApplicationBringsIsTheServersToCopy() {
        try (TestDevice device =
                        live(inBlocks(9, 1024, params(0, 9, 8, 0, 0, 0)), Handler.holding());
                Arena arena = Arena.ofShared();
                ClientArea area = lane().area(pattern(pages(arena, PAGE), 9));
                ClientDisk disk = device.open()) {
            QueueLoop queue = device.queue();
            Io.Metadata written = metadata(arena, 64);
            CompletableFuture<Long> write = disk.submit(Io.write(0, area.all()).with(written));
            Seen request = queue.awaitSeen(1).getFirst();
            MemorySegment copy = arena.allocate(64);
            long position = BufferOffset.ofIntegrity(0, request.tag(), 0);
            assertThat(queue.onThread(() -> device.charDevice().pread(copy, position)))
                    .isEqualTo(64);
            assertThat(copy.mismatch(written.memory())).isEqualTo(-1);
            queue.answer(request, PAGE);
            assertThat(ClientDisk.await(write)).isEqualTo(PAGE);

            Io.Metadata read = new Io.Metadata(arena.allocate(64), 0);
            CompletableFuture<Long> answer = disk.submit(Io.read(0, area.all()).with(read));
            Seen other = queue.awaitSeen(2).get(1);
            long there = BufferOffset.ofIntegrity(0, other.tag(), 0);
            assertThat(queue.onThread(() -> device.charDevice().pwrite(copy, there))).isEqualTo(64);
            queue.answer(other, PAGE);
            assertThat(ClientDisk.await(answer)).isEqualTo(PAGE);
            assertThat(read.memory().mismatch(written.memory())).isEqualTo(-1);
        }
    }

    @Test
    void metadataThatIsNoMetadataOfTheDiskIsInvalid() {
        try (TestDevice device =
                        live(inBlocks(9, 1024, params(0, 9, 8, 0, 0, 0)), Handler.agreeing());
                TestDevice without =
                        live(Shape.plain().with(Feature.USER_COPY), Handler.agreeing());
                Arena arena = Arena.ofShared();
                ClientArea area = lane().area(pages(arena, PAGE));
                ClientDisk disk = device.open();
                ClientDisk other = without.open()) {
            Io write = Io.write(0, area.all());
            assertThat(disk.run(write.with(metadata(arena, 63))))
                    .as("too little")
                    .isEqualTo(EINVAL);
            assertThat(disk.run(write.with(metadata(arena, 65)))).as("more").isEqualTo(PAGE);
            assertThat(other.run(write.with(metadata(arena, 64)))).as("none").isEqualTo(EINVAL);
        }
    }

    @Test
    void noMoreMetadataComesThanTheDeviceTakesOfData() {
        try (TestDevice device =
                        live(inBlocks(9, 8, params(0, 9, 64, 0, 0, 0)), Handler.agreeing());
                Arena arena = Arena.ofShared();
                ClientArea area = lane().area(pages(arena, 2 * BYTES));
                ClientDisk disk = device.open()) {
            Io.Metadata metadata = metadata(arena, BYTES);
            assertThat(disk.run(Io.write(0, area.piece(0, 9 * PAGE)).with(metadata)))
                    .isEqualTo(EIO);
            assertThat(disk.run(Io.write(0, area.piece(0, 8 * PAGE)).with(metadata)))
                    .isEqualTo(8 * PAGE);
            assertThat(device.queue().seen()).hasSize(8);
        }
    }

    @Test
    void anIntervalWithAChecksumMayLieInTwoPieces() {
        try (TestDevice device =
                        live(inBlocks(12, 1024, params(0, 12, 8, 0, 2, 0)), Handler.agreeing());
                Arena arena = Arena.ofShared();
                ClientArea area = lane().area(pages(arena, 2 * PAGE));
                ClientDisk disk = device.open()) {
            Io write = Io.write(0, area.piece(512, 512), area.piece(PAGE, PAGE - 512));
            assertThat(disk.run(write.with(metadata(arena, 8)))).isEqualTo(PAGE);
        }
    }

    @Test
    void anIntervalThatIsDoneInPartKeepsItsMetadataWhereTheRestComesAgain() {
        try (TestDevice device =
                        live(inBlocks(12, 1024, params(0, 12, 8, 0, 0, 0)), Handler.holding());
                Arena arena = Arena.ofShared();
                ClientArea area = lane().area(pages(arena, 2 * PAGE));
                ClientDisk disk = device.open()) {
            QueueLoop queue = device.queue();
            Io.Metadata written = metadata(arena, 16);
            CompletableFuture<Long> write = disk.submit(Io.write(0, area.all()).with(written));
            queue.answer(queue.awaitSeen(1).getFirst(), 512);
            if (!asksForTheRest()) {
                assertThat(ClientDisk.await(write)).isEqualTo(2 * PAGE);
                return;
            }
            Seen rest = queue.awaitSeen(2).get(1);
            assertThat(rest.sector()).isEqualTo(1);
            MemorySegment copy = arena.allocate(64);
            long position = BufferOffset.ofIntegrity(0, rest.tag(), 0);
            assertThat(queue.onThread(() -> device.charDevice().pread(copy, position)))
                    .isEqualTo(16);
            assertThat(copy.asSlice(0, 16).mismatch(written.memory())).isEqualTo(-1);
            assertThat(queue.onThread(() -> device.charDevice().pread(copy, position + 8)))
                    .isEqualTo(8);
            assertThat(queue.onThread(() -> device.charDevice().pread(copy, position + 9)))
                    .as("behind the metadata of what is whole")
                    .isEqualTo(EINVAL);
            queue.answer(rest, rest.bytes());
            assertThat(ClientDisk.await(write)).isEqualTo(2 * PAGE);
        }
    }

    private MetadataDisk kept() {
        return new MetadataDisk(SIZE, IntegrityFormat.t10Type1());
    }

    static Stream<IntegrityFormat> formats() {
        return Stream.of(
                IntegrityFormat.t10Type1(),
                IntegrityFormat.t10Type3(),
                IntegrityFormat.t10Type1().withChecksum(Checksum.IP),
                IntegrityFormat.t10Type1().withMetadataSize(64).withOffset(56),
                IntegrityFormat.ofSize(16).withChecksum(Checksum.NVME).withReferenceTags(true),
                IntegrityFormat.ofSize(8));
    }

    @ParameterizedTest
    @MethodSource("formats")
    void dataArrivesAsItWasSent(IntegrityFormat format) {
        IntegrityTarget target =
                new IntegrityTarget(
                        new MemoryTarget(SIZE), new MemoryTarget(format.metadataOf(SIZE)), format);
        try (Arena arena = Arena.ofShared();
                Device device = Device.start(lane().driver(), target, OPTIONS);
                ClientDisk disk = lane().openDisk(device.id())) {
            MemorySegment sent = pattern(pages(arena, BYTES), 1);
            MemorySegment got = pages(arena, BYTES);
            assertThat(disk.pread(got, 2 * BYTES)).isEqualTo(BYTES);
            for (int bytes = 512; bytes <= BYTES; bytes *= 2) {
                assertThat(disk.pwrite(sent.asSlice(0, bytes), bytes)).isEqualTo(bytes);
                assertThat(disk.pread(got.asSlice(0, bytes), bytes)).isEqualTo(bytes);
                assertThat(got.asSlice(0, bytes).mismatch(sent.asSlice(0, bytes))).isEqualTo(-1);
            }
        }
    }

    private void makesUpMetadata() {
        assumeTrue(
                lane().driver() instanceof KernelDriver,
                "the embedded driver makes up no metadata, and checks none");
    }

    @Test
    void protectionInformationIsMadeUpAndChecked() {
        makesUpMetadata();
        MetadataDisk target = kept();
        try (Arena arena = Arena.ofShared();
                Device device = Device.start(lane().driver(), target, OPTIONS);
                ClientDisk disk = lane().openDisk(device.id())) {
            MemorySegment sent = pattern(pages(arena, BYTES), 1);
            MemorySegment got = pages(arena, BYTES);
            assertThat(disk.pwrite(sent, BYTES)).isEqualTo(BYTES);
            for (int block = 0; block < BYTES / 512; block++) {
                int number = BYTES / 512 + block;
                MemorySegment tuple = target.metadata().asSlice(number * 8L, 8);
                assertThat(tuple.get(BIG_ENDIAN_SHORT, 0))
                        .as("block %d", number)
                        .isEqualTo(crc(sent.asSlice(block * 512L, 512)));
                assertThat(tuple.get(BIG_ENDIAN_INT, 4)).isEqualTo(number);
            }
            assertThat(disk.pread(got, BYTES)).isEqualTo(BYTES);
            assertFound(disk, got, target.metadata(), BYTES / 512 * 8);
            assertFound(disk, got, target.metadata(), BYTES / 512 * 8 + 7);
            assertFound(disk, got, target.data(), BYTES + 1000);
            assertThat(disk.pread(got, BYTES)).isEqualTo(BYTES);
            assertThat(got.mismatch(sent)).isEqualTo(-1);
        }
    }

    /** Changes a byte, reads, and changes it back. */
    private static void assertFound(
            ClientDisk disk, MemorySegment got, MemorySegment where, long at) {
        byte before = where.get(ValueLayout.JAVA_BYTE, at);
        where.set(ValueLayout.JAVA_BYTE, at, (byte) ~before);
        assertThat(disk.pread(got, BYTES)).as("byte %d", at).isEqualTo(EILSEQ);
        where.set(ValueLayout.JAVA_BYTE, at, before);
    }

    /** CRC-16 of T10 DIF, bit by bit. */
    private static short crc(MemorySegment data) {
        int crc = 0;
        for (long at = 0; at < data.byteSize(); at++) {
            crc ^= (data.get(ValueLayout.JAVA_BYTE, at) & 0xff) << 8;
            for (int bit = 0; bit < 8; bit++) {
                crc = (crc & 0x8000) == 0 ? crc << 1 : crc << 1 ^ 0x8BB7;
            }
        }
        return (short) crc;
    }

    @Test
    void aTargetThatRefusesMetadataFailsTheRequest() {
        makesUpMetadata();
        MetadataDisk target = kept();
        try (Arena arena = Arena.ofShared();
                Device device = Device.start(lane().driver(), target, OPTIONS);
                ClientDisk disk = lane().openDisk(device.id())) {
            target.refusing(Errno.ENOSPC);
            assertThat(disk.pwrite(pages(arena, PAGE), 0)).isEqualTo(Errno.ENOSPC.negated());
        }
    }

    @Test
    void batchesHaveItToo() {
        makesUpMetadata();
        MetadataDisk target = kept();
        DeviceOptions options = OPTIONS.with(new Mode(Mode.Data.USER_COPY, true));
        try (Arena arena = Arena.ofShared();
                Device device = Device.start(lane().driver(), target, options);
                ClientDisk disk = lane().openDisk(device.id())) {
            MemorySegment sent = pattern(pages(arena, BYTES), 1);
            assertThat(disk.pwrite(sent, 0)).isEqualTo(BYTES);
            assertThat(target.metadata().get(BIG_ENDIAN_INT, 12)).isEqualTo(1);
            assertThat(disk.pread(pages(arena, BYTES), 0)).isEqualTo(BYTES);
        }
    }
}
