package dev.ublk4j.conformance.rules;

import static org.assertj.core.api.Assertions.assertThat;

import dev.ublk4j.conformance.device.Handler;
import dev.ublk4j.conformance.device.MemoryBackend;
import dev.ublk4j.conformance.device.Seen;
import dev.ublk4j.conformance.device.Shape;
import dev.ublk4j.conformance.device.TestDevice;
import dev.ublk4j.conformance.lane.ClientArea;
import dev.ublk4j.conformance.lane.ClientArea.Piece;
import dev.ublk4j.conformance.lane.ClientDisk;
import dev.ublk4j.conformance.lane.Io;
import dev.ublk4j.conformance.lane.Lane;
import dev.ublk4j.conformance.lane.Pause;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.uapi.Feature;
import dev.ublk4j.uapi.IoFlag;
import dev.ublk4j.uapi.wire.Attr;
import dev.ublk4j.uapi.wire.DeviceParams;
import dev.ublk4j.uapi.wire.DeviceParams.Basic;
import dev.ublk4j.uapi.wire.DeviceParams.DmaAlign;
import dev.ublk4j.uapi.wire.IoCommand;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Which requests have their data in registered memory, and what the server is told of them. */
public abstract class MatchRules extends LaneRules {
    private static final int PAGES = 64;
    private static final Shape SHARED = Shape.plain().with(Feature.SHMEM_ZC);

    protected MatchRules(Supplier<? extends Lane> lanes) {
        super(lanes);
    }

    /** A live device with a memory backend, shared memory, and an application. */
    private final class Setting implements AutoCloseable {
        final Shared shared;
        final MemoryBackend backend = new MemoryBackend(Shape.SIZE);
        final TestDevice device;
        final ClientDisk disk;

        Setting(Shape shape, boolean scattered) {
            this(shape, scattered, null);
        }

        Setting(Shape shape, boolean scattered, @Nullable Handler handler) {
            device = live(shape, handler == null ? backend : handler);
            shared =
                    scattered
                            ? Shared.scattered(lane(), (long) PAGES * PAGE)
                            : new Shared(lane(), (long) PAGES * PAGE);
            pattern(shared.server(), 17);
            disk = device.open();
        }

        int register(long firstPage, long pages, boolean readOnly) {
            MemorySegment some = shared.server().asSlice(firstPage * PAGE, pages * PAGE);
            return device.register(some, readOnly);
        }

        Piece piece(long offset, long length) {
            return shared.client().piece(offset, length);
        }

        /** Does I/O, checks its data, and tells what the server saw. */
        Seen run(Io io) {
            device.queue().forget();
            if (io.op() == dev.ublk4j.uapi.IoOp.UBLK_IO_OP_READ) {
                pattern(backend.disk().asSlice(io.position(), io.length()), 23);
            }
            assertThat(disk.run(io)).isEqualTo(io.length());
            long at = io.position();
            for (Piece piece : io.pieces()) {
                assertThat(backend.disk().asSlice(at, piece.length()).mismatch(piece.memory()))
                        .as("the piece at %d", at)
                        .isEqualTo(-1);
                at += piece.length();
            }
            List<Seen> seen = device.queue().seen();
            assertThat(seen).hasSize(1);
            return seen.getFirst();
        }

        void hits(Io io, int index, long offset) {
            Seen seen = run(io);
            assertThat(seen.isShared()).as("matched: %s", seen).isTrue();
            assertThat(seen.bufferIndex()).isEqualTo(index);
            assertThat(seen.bufferOffset()).isEqualTo(offset);
            assertThat(seen.address() >>> 48).as("the upper bits").isZero();
        }

        void misses(Io io) {
            Seen seen = run(io);
            assertThat(seen.isShared()).as("matched: %s", seen).isFalse();
            assertThat(seen.address()).isEqualTo(device.queue().address(seen.tag()));
        }

        @Override
        public void close() {
            disk.close();
            device.close();
            shared.close();
        }
    }

    private Setting setting() {
        return new Setting(SHARED, false);
    }

    private Setting scattered() {
        return new Setting(SHARED, true);
    }

    @Test
    void aWriteFromARegisteredBufferIsMatched() {
        try (Setting s = setting()) {
            int index = s.register(0, PAGES, false);
            s.hits(Io.write(0, s.piece(0, PAGE)), index, 0);
        }
    }

    @Test
    void aReadIntoARegisteredBufferIsMatched() {
        try (Setting s = setting()) {
            int index = s.register(0, PAGES, false);
            s.hits(Io.read(8L * PAGE, s.piece(0, 4L * PAGE)), index, 0);
        }
    }

    @ParameterizedTest
    @CsvSource({"0, 512", "512, 512", "3584, 512", "3584, 1024", "4096, 65536", "258048, 4096"})
    void theOffsetIsThatOfTheFirstByteInTheBuffer(long offset, long length) {
        try (Setting s = setting()) {
            int index = s.register(0, PAGES, false);
            s.hits(Io.write(0, s.piece(offset, length)), index, offset);
            s.hits(Io.read(0, s.piece(offset, length)), index, offset);
        }
    }

    @Test
    void theOffsetCountsFromTheStartOfTheBufferNotOfTheFile() {
        try (Setting s = setting()) {
            assertThat(s.register(0, 8, false)).isZero();
            int second = s.register(16, 16, false);
            s.hits(Io.write(0, s.piece(20L * PAGE + 512, PAGE)), second, 4L * PAGE + 512);
        }
    }

    @Test
    void pagesThatAreNotNeighboursInMemoryMatchAsLongAsTheyAreInTheBuffer() {
        try (Setting s = scattered()) {
            int index = s.register(0, PAGES, false);
            s.hits(Io.write(0, s.piece(0, (long) PAGES * PAGE)), index, 0);
            s.hits(Io.read(0, s.piece(5L * PAGE + 512, 17L * PAGE)), index, 5L * PAGE + 512);
        }
    }

    @Test
    void memoryThatIsNotRegisteredIsCopied() {
        try (Setting s = setting()) {
            assertThat(s.register(0, 8, false)).isZero();
            s.misses(Io.write(0, s.piece(8L * PAGE, PAGE)));
            s.misses(Io.read(0, s.piece(8L * PAGE, PAGE)));
        }
    }

    @Test
    void anApplicationsOwnMemoryIsCopied() {
        try (Setting s = setting();
                Arena arena = Arena.ofShared();
                ClientArea own = lane().area(pattern(pages(arena, 2L * PAGE), 4))) {
            assertThat(s.register(0, PAGES, false)).isZero();
            s.misses(Io.write(0, own.all()));
            s.misses(Io.read(0, own.all()));
        }
    }

    @Test
    void aBufferForReadingOnlyServesWritesAndNoReads() {
        try (Setting s = setting()) {
            int index = s.register(0, PAGES, true);
            s.hits(Io.write(0, s.piece(PAGE, 2L * PAGE)), index, PAGE);
            s.misses(Io.read(0, s.piece(PAGE, 2L * PAGE)));
        }
    }

    @Test
    void piecesThatFollowEachOtherInTheBufferMatch() {
        try (Setting s = scattered()) {
            int index = s.register(0, PAGES, false);
            s.hits(
                    Io.write(0, s.piece(512, 512), s.piece(1024, PAGE), s.piece(5120, 3072)),
                    index,
                    512);
            s.hits(Io.read(0, s.piece(PAGE, PAGE), s.piece(2L * PAGE, PAGE)), index, PAGE);
        }
    }

    @Test
    void piecesInAnotherOrderThanInTheBufferAreCopied() {
        try (Setting s = setting()) {
            assertThat(s.register(0, PAGES, false)).isZero();
            s.misses(Io.write(0, s.piece(PAGE, PAGE), s.piece(0, PAGE)));
            s.misses(Io.read(0, s.piece(PAGE, PAGE), s.piece(0, PAGE)));
        }
    }

    @Test
    void piecesWithAGapBetweenThemAreCopied() {
        try (Setting s = setting()) {
            assertThat(s.register(0, PAGES, false)).isZero();
            s.misses(Io.write(0, s.piece(0, PAGE), s.piece(2L * PAGE, PAGE)));
            s.misses(Io.write(0, s.piece(0, 512), s.piece(1024, 512)));
        }
    }

    @Test
    void theSamePieceTwiceIsCopied() {
        try (Setting s = setting()) {
            assertThat(s.register(0, PAGES, false)).isZero();
            s.misses(Io.write(0, s.piece(0, PAGE), s.piece(0, PAGE)));
        }
    }

    @Test
    void piecesOfTwoBuffersAreCopied() {
        try (Setting s = setting()) {
            assertThat(s.register(0, 8, false)).isZero();
            assertThat(s.register(8, 8, false)).isEqualTo(1);
            s.misses(Io.write(0, s.piece(0, PAGE), s.piece(8L * PAGE, PAGE)));
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void buffersThatAdjoinDoNotJoin(boolean scattered) {
        try (Setting s = new Setting(SHARED, scattered)) {
            int first = s.register(0, 8, false);
            int second = s.register(8, 8, false);
            s.hits(Io.write(0, s.piece(7L * PAGE, PAGE)), first, 7L * PAGE);
            s.hits(Io.write(0, s.piece(8L * PAGE, PAGE)), second, 0);
            s.misses(Io.write(0, s.piece(7L * PAGE, 2L * PAGE)));
            s.misses(Io.read(0, s.piece(7L * PAGE + 512, PAGE)));
        }
    }

    @Test
    void aRequestThatBeginsOrEndsOutsideTheBufferIsCopied() {
        try (Setting s = scattered()) {
            assertThat(s.register(8, 8, false)).isZero();
            s.misses(Io.write(0, s.piece(7L * PAGE, 2L * PAGE)));
            s.misses(Io.write(0, s.piece(15L * PAGE, 2L * PAGE)));
            s.misses(Io.write(0, s.piece(15L * PAGE + 512, PAGE)));
            s.misses(Io.write(0, s.piece(7L * PAGE, 10L * PAGE)));
        }
    }

    @Test
    void aRequestWithAPieceOfOtherMemoryIsCopied() {
        try (Setting s = setting();
                Arena arena = Arena.ofShared();
                ClientArea own = lane().area(pattern(pages(arena, 2L * PAGE), 4))) {
            assertThat(s.register(0, PAGES, false)).isZero();
            s.misses(Io.write(0, s.piece(0, PAGE), own.piece(0, PAGE)));
            s.misses(Io.write(0, own.piece(0, PAGE), s.piece(0, PAGE)));
        }
    }

    @Test
    void theFirstPieceDecidesWhetherTheBufferMayBeWritten() {
        try (Setting s = setting()) {
            assertThat(s.register(0, 8, false)).isZero();
            assertThat(s.register(8, 8, true)).isEqualTo(1);
            s.misses(Io.read(0, s.piece(7L * PAGE, PAGE), s.piece(8L * PAGE, PAGE)));
            s.misses(Io.read(0, s.piece(8L * PAGE, PAGE)));
        }
    }

    @Test
    void aRequestThatIsCutMatchesPieceByPiece() {
        DeviceParams params =
                DeviceParams.of(new Basic(0, 9, 12, 12, 9, 32, 0, Shape.SIZE >> 9, 0))
                        .with(new DmaAlign(511));
        try (Setting s = new Setting(SHARED.with(params), true)) {
            int index = s.register(0, PAGES, false);
            assertThat(s.disk.run(Io.write(0, s.piece(2L * PAGE, 8L * PAGE)))).isEqualTo(8L * PAGE);
            List<Seen> seen =
                    s.device.queue().seen().stream()
                            .sorted(Comparator.comparingLong(Seen::sector))
                            .toList();
            assertThat(seen.stream().map(Seen::what)).containsExactly("write 0+32", "write 32+32");
            assertThat(seen).allSatisfy(r -> assertThat(r.isShared()).isTrue());
            assertThat(seen.get(0).bufferIndex()).isEqualTo(index);
            assertThat(seen.get(0).bufferOffset()).isEqualTo(2L * PAGE);
            assertThat(seen.get(1).bufferIndex()).isEqualTo(index);
            assertThat(seen.get(1).bufferOffset()).isEqualTo(6L * PAGE);
        }
    }

    @Test
    void aBufferThatWasTakenBackIsCopiedAgain() {
        try (Setting s = setting()) {
            int index = s.register(0, PAGES, false);
            s.hits(Io.write(0, s.piece(0, PAGE)), index, 0);
            s.device.unregister(index);
            s.misses(Io.write(0, s.piece(0, PAGE)));
            assertThat(s.register(4, 4, false)).isEqualTo(index);
            s.hits(Io.write(0, s.piece(5L * PAGE, PAGE)), index, PAGE);
            s.misses(Io.write(0, s.piece(0, PAGE)));
        }
    }

    @Test
    void whatWasRegisteredBeforeTheStartMatchesAfterIt() {
        MemoryBackend backend = new MemoryBackend(Shape.SIZE);
        try (Shared shared = new Shared(lane(), 8L * PAGE);
                TestDevice device = attached(SHARED, backend)) {
            int index = device.register(shared.server(), false);
            device.fetchAll();
            device.start();
            try (ClientDisk disk = device.open()) {
                assertThat(disk.run(Io.write(0, shared.client().piece(PAGE, PAGE))))
                        .isEqualTo(PAGE);
                Seen seen = device.queue().seen().getFirst();
                assertThat(seen.isShared()).isTrue();
                assertThat(seen.bufferIndex()).isEqualTo(index);
                assertThat(seen.bufferOffset()).isEqualTo(PAGE);
            }
        }
    }

    @Test
    void whatWasRegisteredMatchesUnderTheNextServerToo() {
        Shape shape = SHARED.with(Feature.USER_RECOVERY);
        try (Setting s = new Setting(shape, false)) {
            int index = s.register(0, PAGES, false);
            s.device.detach();
            Pause.until(
                    "the device is quiesced",
                    () -> s.device.state() == dev.ublk4j.uapi.DeviceState.UBLK_S_DEV_QUIESCED);
            LifeRules.attachAgain(s.device, s.backend);
            s.device.fetchAll();
            s.device.control().endRecovery(s.device.id(), ProcessHandle.current().pid());
            s.hits(Io.write(0, s.piece(0, PAGE)), index, 0);
        }
    }

    @Test
    void withoutTheFeatureNothingMatches() {
        try (Setting s = new Setting(Shape.plain(), false)) {
            s.misses(Io.write(0, s.piece(0, PAGE)));
        }
    }

    @Test
    void requestsWithoutDataNeverMatch() {
        Shape shape = SHARED.with(Shape.params(Attr.UBLK_ATTR_VOLATILE_CACHE));
        try (Setting s = new Setting(shape, false)) {
            assertThat(s.register(0, PAGES, false)).isZero();
            assertThat(s.disk.run(Io.flush())).isZero();
            assertThat(s.disk.run(Io.discard(0, 16L * PAGE))).isEqualTo(16L * PAGE);
            assertThat(s.disk.run(Io.writeZeroes(0, 16L * PAGE, true))).isEqualTo(16L * PAGE);
            assertThat(s.device.queue().seen())
                    .hasSize(3)
                    .allSatisfy(seen -> assertThat(seen.isShared()).isFalse());
        }
    }

    @Test
    void aMatchedRequestKeepsItsOtherFlags() {
        int attributes = Attr.UBLK_ATTR_VOLATILE_CACHE | Attr.UBLK_ATTR_FUA;
        try (Setting s = new Setting(SHARED.with(Shape.params(attributes)), false)) {
            assertThat(s.register(0, PAGES, false)).isZero();
            assertThat(s.disk.run(Io.durableWrite(0, s.piece(0, PAGE)))).isEqualTo(PAGE);
            int flags = s.device.queue().seen().getFirst().flags();
            assertThat(flags & IoFlag.UBLK_IO_F_FUA).isNotZero();
            assertThat(flags & IoFlag.UBLK_IO_F_SHMEM_ZC).isNotZero();
        }
    }

    @Test
    void aMatchedWriteIsNotCopiedToTheTagsBuffer() {
        try (Setting s = setting()) {
            assertThat(s.register(0, PAGES, false)).isZero();
            for (int tag = 0; tag < 4; tag++) {
                s.device.queue().buffer(tag).asSlice(0, PAGE).fill((byte) 0x77);
            }
            assertThat(s.run(Io.write(0, s.piece(0, PAGE))).isShared()).isTrue();
            for (int tag = 0; tag < 4; tag++) {
                assertThat(
                                s.device
                                        .queue()
                                        .buffer(tag)
                                        .asSlice(0, PAGE)
                                        .toArray(ValueLayout.JAVA_BYTE))
                        .containsOnly((byte) 0x77);
            }
        }
    }

    @Test
    void aMatchedReadIsNotCopiedFromTheTagsBuffer() {
        try (Setting s = new Setting(SHARED, false, Handler.agreeing())) {
            assertThat(s.register(0, PAGES, false)).isZero();
            for (int tag = 0; tag < 4; tag++) {
                s.device.queue().buffer(tag).asSlice(0, PAGE).fill((byte) 0x77);
            }
            s.shared.server().asSlice(0, PAGE).fill((byte) 0x11);
            assertThat(s.disk.run(Io.read(0, s.piece(0, PAGE)))).isEqualTo(PAGE);
            assertThat(s.shared.server().asSlice(0, PAGE).toArray(ValueLayout.JAVA_BYTE))
                    .containsOnly((byte) 0x11);
        }
    }

    /** The kernel counts the bytes it copies, and here it copies none. */
    @ParameterizedTest
    @ValueSource(ints = {512, PAGE, 4 * PAGE})
    void aMatchedReadThatIsDoneInPartCountsAsDone(int claimed) {
        try (Setting s = new Setting(SHARED, false, Handler.failing(claimed))) {
            assertThat(s.register(0, PAGES, false)).isZero();
            assertThat(s.disk.run(Io.read(0, s.piece(0, 2L * PAGE)))).isEqualTo(2L * PAGE);
            assertThat(s.device.queue().seen()).hasSize(1);
        }
    }

    @Test
    void aMatchedReadOfWhichNothingIsDoneFails() {
        try (Setting s = new Setting(SHARED, false, Handler.failing(0))) {
            assertThat(s.register(0, PAGES, false)).isZero();
            assertThat(s.disk.run(Io.read(0, s.piece(0, PAGE)))).isEqualTo(EIO);
        }
    }

    @Test
    void anErrorOfAMatchedRequestReachesTheApplication() {
        int noSpace = Errno.ENOSPC.negated();
        try (Setting s = new Setting(SHARED, false, Handler.failing(noSpace))) {
            assertThat(s.register(0, PAGES, false)).isZero();
            assertThat(s.disk.run(Io.write(0, s.piece(0, PAGE)))).isEqualTo(noSpace);
        }
    }

    @Test
    void aCommitOfAMatchedRequestStillNamesABuffer() {
        try (Setting s = new Setting(SHARED, false, Handler.holding())) {
            assertThat(s.register(0, PAGES, false)).isZero();
            CompletableFuture<Long> answer = s.disk.submit(Io.write(0, s.piece(0, PAGE)));
            Seen request = s.device.queue().awaitSeen(1).getFirst();
            assertThat(request.isShared()).isTrue();
            assertThat(
                            s.device
                                    .queue()
                                    .call(
                                            IoCommand.UBLK_U_IO_COMMIT_AND_FETCH_REQ,
                                            0,
                                            request.tag(),
                                            PAGE,
                                            0))
                    .isEqualTo(EINVAL);
            s.device.queue().answer(request, PAGE);
            assertThat(ClientDisk.await(answer)).isEqualTo(PAGE);
        }
    }

    @Test
    void aMatchedRequestOfADeadServerFails() {
        try (Setting s = new Setting(SHARED, false, Handler.holding())) {
            assertThat(s.register(0, PAGES, false)).isZero();
            CompletableFuture<Long> answer = s.disk.submit(Io.write(0, s.piece(0, PAGE)));
            assertThat(s.device.queue().awaitSeen(1).getFirst().isShared()).isTrue();
            s.device.detach();
            assertThat(ClientDisk.await(answer)).isEqualTo(EIO);
        }
    }

    @Test
    void aServerThatCopiesItselfIsToldOfMatchesToo() {
        try (Setting s = new Setting(SHARED.with(Feature.USER_COPY), false, Handler.holding())) {
            int index = s.register(0, PAGES, false);
            CompletableFuture<Long> answer = s.disk.submit(Io.write(0, s.piece(PAGE, PAGE)));
            Seen request = s.device.queue().awaitSeen(1).getFirst();
            assertThat(request.isShared()).isTrue();
            assertThat(request.bufferIndex()).isEqualTo(index);
            s.device.queue().answer(request, PAGE);
            assertThat(ClientDisk.await(answer)).isEqualTo(PAGE);
        }
    }
}
