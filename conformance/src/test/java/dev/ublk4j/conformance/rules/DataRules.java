package dev.ublk4j.conformance.rules;

import static org.assertj.core.api.Assertions.assertThat;

import dev.ublk4j.conformance.device.Handler;
import dev.ublk4j.conformance.device.MemoryBackend;
import dev.ublk4j.conformance.device.RawControl;
import dev.ublk4j.conformance.device.Seen;
import dev.ublk4j.conformance.device.Shape;
import dev.ublk4j.conformance.device.TestDevice;
import dev.ublk4j.conformance.lane.ClientArea;
import dev.ublk4j.conformance.lane.ClientDisk;
import dev.ublk4j.conformance.lane.Io;
import dev.ublk4j.conformance.lane.Lane;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.uapi.IoFlag;
import dev.ublk4j.uapi.IoOp;
import dev.ublk4j.uapi.wire.Attr;
import dev.ublk4j.uapi.wire.DeviceParams;
import dev.ublk4j.uapi.wire.IoCommand;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What becomes of a request between an application and a server, and of the server's answer. */
public abstract class DataRules extends LaneRules {
    private static final int CACHE = Attr.UBLK_ATTR_VOLATILE_CACHE;
    private static final int FUA = Attr.UBLK_ATTR_FUA;

    protected DataRules(Supplier<? extends Lane> lanes) {
        super(lanes);
    }

    private static Shape shape(int attributes) {
        return Shape.plain().with(Shape.params(attributes));
    }

    /** A request of some pages against a server, and what came of it. */
    private final class Try implements AutoCloseable {
        final Arena arena = Arena.ofShared();
        final TestDevice device;
        final ClientArea area;
        final ClientDisk disk;

        Try(Shape shape, Handler handler) {
            device = live(shape, handler);
            area = lane().area(pattern(pages(arena, 64L * PAGE), 11));
            disk = device.open();
        }

        List<String> seen() {
            return device.queue().seen().stream().map(Seen::what).toList();
        }

        @Override
        public void close() {
            disk.close();
            area.close();
            device.close();
            arena.close();
        }
    }

    @Test
    void whatIsWrittenIsRead() {
        MemoryBackend backend = new MemoryBackend(Shape.SIZE);
        try (Try t = new Try(shape(0), backend)) {
            assertThat(t.disk.run(Io.write(3L * 512, t.area.piece(0, 8L * PAGE))))
                    .isEqualTo(8L * PAGE);
            assertThat(t.disk.run(Io.read(3L * 512, t.area.piece(16L * PAGE, 8L * PAGE))))
                    .isEqualTo(8L * PAGE);
            MemorySegment memory = t.area.memory();
            assertThat(memory.asSlice(16L * PAGE, 8L * PAGE).mismatch(memory.asSlice(0, 8L * PAGE)))
                    .isEqualTo(-1);
            assertThat(
                            backend.disk()
                                    .asSlice(3L * 512, 8L * PAGE)
                                    .mismatch(memory.asSlice(0, 8L * PAGE)))
                    .isEqualTo(-1);
            assertThat(t.seen()).containsExactly("write 3+64", "read 3+64");
        }
    }

    @Test
    void aRequestOfSeveralPiecesOfMemoryIsOneRequestAndItsBytesAreInOrder() {
        MemoryBackend backend = new MemoryBackend(Shape.SIZE);
        try (Try t = new Try(shape(0), backend)) {
            assertThat(
                            t.disk.run(
                                    Io.write(
                                            0,
                                            t.area.piece(8L * PAGE, PAGE),
                                            t.area.piece(512, 1024),
                                            t.area.piece(4L * PAGE, 3L * PAGE + 512))))
                    .isEqualTo(4L * PAGE + 1536);
            assertThat(t.seen()).containsExactly("write 0+35");
            MemorySegment memory = t.area.memory();
            MemorySegment disk = backend.disk();
            assertThat(disk.asSlice(0, PAGE).mismatch(memory.asSlice(8L * PAGE, PAGE)))
                    .isEqualTo(-1);
            assertThat(disk.asSlice(PAGE, 1024).mismatch(memory.asSlice(512, 1024))).isEqualTo(-1);
            assertThat(
                            disk.asSlice(PAGE + 1024, 3L * PAGE + 512)
                                    .mismatch(memory.asSlice(4L * PAGE, 3L * PAGE + 512)))
                    .isEqualTo(-1);
            MemorySegment copy = MemorySegment.ofArray(memory.toArray(ValueLayout.JAVA_BYTE));
            memory.fill((byte) 0);
            assertThat(
                            t.disk.run(
                                    Io.read(
                                            0,
                                            t.area.piece(8L * PAGE, PAGE),
                                            t.area.piece(512, 1024),
                                            t.area.piece(4L * PAGE, 3L * PAGE + 512))))
                    .isEqualTo(4L * PAGE + 1536);
            assertThat(memory.asSlice(8L * PAGE, PAGE).mismatch(copy.asSlice(8L * PAGE, PAGE)))
                    .isEqualTo(-1);
            assertThat(memory.asSlice(512, 1024).mismatch(copy.asSlice(512, 1024))).isEqualTo(-1);
            assertThat(
                            memory.asSlice(4L * PAGE, 3L * PAGE + 512)
                                    .mismatch(copy.asSlice(4L * PAGE, 3L * PAGE + 512)))
                    .isEqualTo(-1);
        }
    }

    @Test
    void aCopiedRequestNamesTheTagsBuffer() {
        try (Try t = new Try(shape(0), Handler.agreeing())) {
            assertThat(t.disk.run(Io.write(0, t.area.piece(0, PAGE)))).isEqualTo(PAGE);
            Seen request = t.device.queue().seen().getFirst();
            assertThat(request.isShared()).isFalse();
            assertThat(request.address()).isEqualTo(t.device.queue().address(request.tag()));
        }
    }

    @Test
    void aReadThatIsDoneInPartIsAskedForAgainFromThere() {
        MemoryBackend backend = new MemoryBackend(Shape.SIZE);
        pattern(backend.disk(), 1);
        Handler aPageAtATime =
                (request, data) -> {
                    int all = backend.handle(request, data);
                    return Math.min(all, PAGE);
                };
        try (Try t = new Try(shape(0), aPageAtATime)) {
            assertThat(t.disk.run(Io.read(0, t.area.piece(0, 3L * PAGE)))).isEqualTo(3L * PAGE);
            assertThat(t.seen()).containsExactly("read 0+24", "read 8+16", "read 16+8");
            assertThat(
                            t.area.memory()
                                    .asSlice(0, 3L * PAGE)
                                    .mismatch(backend.disk().asSlice(0, 3L * PAGE)))
                    .isEqualTo(-1);
        }
    }

    @Test
    void aReadOfWhichNothingIsDoneFails() {
        try (Try t = new Try(shape(0), Handler.failing(0))) {
            assertThat(t.disk.run(Io.read(0, t.area.piece(0, PAGE)))).isEqualTo(EIO);
        }
    }

    @Test
    void aReadOfWhichMoreIsClaimedThanWasAskedIsDone() {
        try (Try t = new Try(shape(0), (request, data) -> request.bytes() + PAGE)) {
            assertThat(t.disk.run(Io.read(0, t.area.piece(0, PAGE)))).isEqualTo(PAGE);
            assertThat(t.seen()).hasSize(1);
        }
    }

    /** The kernel counts bytes only where it copies them to the application, for reads. */
    @ParameterizedTest
    @ValueSource(ints = {0, 512, PAGE})
    void aWriteThatIsDoneInPartCountsAsDone(int claimed) {
        since73();
        try (Try t = new Try(shape(0), Handler.failing(claimed))) {
            assertThat(t.disk.run(Io.write(0, t.area.piece(0, 2L * PAGE)))).isEqualTo(2L * PAGE);
            assertThat(t.seen()).containsExactly("write 0+16");
        }
    }

    @ParameterizedTest
    @CsvSource({
        "EIO, EIO",
        "ENOSPC, ENOSPC",
        "ETIMEDOUT, ETIMEDOUT",
        "EOPNOTSUPP, EOPNOTSUPP",
        "EREMOTEIO, EREMOTEIO",
        "ENODATA, ENODATA",
        "EILSEQ, EILSEQ",
        "EINVAL, EINVAL",
        "EPERM, EIO",
        "ENOENT, EIO",
        "EBADF, EIO",
        "EROFS, EIO",
        "ECANCELED, EIO"
    })
    void anErrorReachesTheApplicationWhereTheBlockLayerHasAWordForIt(Errno answered, Errno got) {
        try (Try t = new Try(shape(0), Handler.failing(answered.negated()))) {
            // Not by io_uring, which tries for ever what ends with EOPNOTSUPP.
            MemorySegment memory = t.area.memory().asSlice(0, PAGE);
            assertThat(t.disk.pread(memory, 0)).isEqualTo(got.negated());
            assertThat(t.disk.pwrite(memory, 0)).isEqualTo(got.negated());
        }
    }

    @Test
    void anErrorEndsItsRequestAlone() {
        AtomicInteger count = new AtomicInteger();
        Handler secondFails =
                (request, data) -> count.incrementAndGet() == 2 ? EIO : request.bytes();
        try (Try t = new Try(shape(0), secondFails)) {
            assertThat(t.disk.run(Io.write(0, t.area.piece(0, PAGE)))).isEqualTo(PAGE);
            assertThat(t.disk.run(Io.write(0, t.area.piece(0, PAGE)))).isEqualTo(EIO);
            assertThat(t.disk.run(Io.write(0, t.area.piece(0, PAGE)))).isEqualTo(PAGE);
        }
    }

    @Test
    void requestsAreAnsweredInAnyOrder() {
        try (Try t = new Try(shape(0), Handler.holding())) {
            CompletableFuture<Long> first = t.disk.submit(Io.write(0, t.area.piece(0, PAGE)));
            Seen one = t.device.queue().awaitSeen(1).get(0);
            CompletableFuture<Long> second =
                    t.disk.submit(Io.write(256L * PAGE, t.area.piece(PAGE, PAGE)));
            Seen two = t.device.queue().awaitSeen(2).get(1);
            assertThat(two.tag()).isNotEqualTo(one.tag());
            t.device.queue().answer(two, PAGE);
            assertThat(ClientDisk.await(second)).isEqualTo(PAGE);
            assertThat(first).isNotDone();
            t.device.queue().answer(one, PAGE);
            assertThat(ClientDisk.await(first)).isEqualTo(PAGE);
        }
    }

    @Test
    void noMoreRequestsAreOutThanThereAreTags() {
        try (Try t = new Try(shape(0), Handler.holding())) {
            List<CompletableFuture<Long>> answers =
                    IntStream.range(0, 6)
                            .mapToObj(i ->
                                    t.disk.submit(
                                            Io.write(
                                                    i * 64L * PAGE,
                                                    t.area.piece((long) i * PAGE, PAGE))))
                            .toList();
            List<Seen> out = t.device.queue().awaitSeen(4);
            assertThat(out.stream().map(Seen::tag)).containsExactlyInAnyOrder(0, 1, 2, 3);
            t.device.queue().answer(out.getFirst(), PAGE);
            Seen fifth = t.device.queue().awaitSeen(5).get(4);
            assertThat(fifth.tag()).isEqualTo(out.getFirst().tag());
            for (Seen request : out.subList(1, 4)) {
                t.device.queue().answer(request, PAGE);
            }
            t.device.queue().answer(fifth, PAGE);
            Seen sixth = t.device.queue().awaitSeen(6).get(5);
            t.device.queue().answer(sixth, PAGE);
            assertThat(answers).allSatisfy(a -> assertThat(ClientDisk.await(a)).isEqualTo(PAGE));
        }
    }

    @Test
    void withoutACacheNothingIsEverFlushed() {
        try (Try t = new Try(shape(0), Handler.agreeing())) {
            assertThat(t.disk.run(Io.flush())).isZero();
            assertThat(t.disk.run(Io.durableWrite(0, t.area.piece(0, PAGE)))).isEqualTo(PAGE);
            assertThat(t.seen()).containsExactly("write 0+8");
            assertThat(t.device.queue().seen().getFirst().isDurable()).isFalse();
        }
    }

    @Test
    void withACacheAFlushReachesTheServer() {
        try (Try t = new Try(shape(CACHE), Handler.agreeing())) {
            assertThat(t.disk.run(Io.flush())).isZero();
            Seen flush = t.device.queue().seen().getFirst();
            assertThat(flush.op()).isEqualTo(IoOp.UBLK_IO_OP_FLUSH);
            assertThat(flush.sectors()).isZero();
            assertThat(flush.isDurable()).isFalse();
        }
    }

    @Test
    void aFlushThatFailsIsToldToTheApplication() {
        try (Try t = new Try(shape(CACHE), Handler.failing(EIO))) {
            assertThat(t.disk.run(Io.flush())).isEqualTo(EIO);
        }
    }

    @Test
    void aDurableWriteIsMarkedWhereTheServerKnowsSuchWrites() {
        try (Try t = new Try(shape(CACHE | FUA), Handler.agreeing())) {
            assertThat(t.disk.run(Io.durableWrite(0, t.area.piece(0, PAGE)))).isEqualTo(PAGE);
            assertThat(t.device.queue().seen().getFirst().isDurable()).isTrue();
            assertThat(t.disk.run(Io.write(0, t.area.piece(0, PAGE)))).isEqualTo(PAGE);
            Seen last = t.device.queue().seen().getLast();
            assertThat(last.op()).isEqualTo(IoOp.UBLK_IO_OP_WRITE);
            assertThat(last.isDurable()).isFalse();
        }
    }

    @Test
    void aDurableWriteIsFollowedByAFlushWhereTheServerDoesNotKnowSuchWrites() {
        try (Try t = new Try(shape(CACHE), Handler.agreeing())) {
            assertThat(t.disk.run(Io.durableWrite(0, t.area.piece(0, PAGE)))).isEqualTo(PAGE);
            List<Seen> seen = t.device.queue().seen();
            assertThat(seen.getFirst().op()).isEqualTo(IoOp.UBLK_IO_OP_WRITE);
            assertThat(seen.getFirst().isDurable()).isFalse();
            assertThat(seen.get(1).op()).isEqualTo(IoOp.UBLK_IO_OP_FLUSH);
        }
    }

    @Test
    void fuaWithoutACacheMeansNothing() {
        try (Try t = new Try(shape(FUA), Handler.agreeing())) {
            assertThat(t.disk.run(Io.durableWrite(0, t.area.piece(0, PAGE)))).isEqualTo(PAGE);
            assertThat(t.device.queue().seen()).hasSize(1);
            assertThat(t.device.queue().seen().getFirst().isDurable()).isFalse();
        }
    }

    @Test
    void aDiscardReachesTheServerWithItsRangeAndNoData() {
        try (Try t = new Try(shape(0), Handler.failing(0))) {
            assertThat(t.disk.run(Io.discard(64L * PAGE, 32L * PAGE))).isEqualTo(32L * PAGE);
            assertThat(t.seen()).containsExactly("discard 512+256");
        }
    }

    @Test
    void withoutDiscardsThereIsNone() {
        Shape shape = Shape.plain().with(DeviceParams.of(Shape.basic(0)));
        try (Try t = new Try(shape, Handler.failing(0))) {
            assertThat(t.disk.run(Io.discard(0, PAGE))).isEqualTo(EOPNOTSUPP);
            assertThat(t.seen()).isEmpty();
        }
    }

    @Test
    void aWriteOfZeroesSaysWhetherSpaceMayBeGivenBack() {
        try (Try t = new Try(shape(0), Handler.failing(0))) {
            assertThat(t.disk.run(Io.writeZeroes(0, 16L * PAGE, true))).isEqualTo(16L * PAGE);
            assertThat(t.disk.run(Io.writeZeroes(PAGE, 8L * PAGE, false))).isEqualTo(8L * PAGE);
            assertThat(t.seen()).containsExactly("write-zeroes 0+128", "write-zeroes 8+64");
            List<Seen> seen = t.device.queue().seen();
            assertThat(seen.get(0).flags() & IoFlag.UBLK_IO_F_NOUNMAP).isZero();
            assertThat(seen.get(1).flags() & IoFlag.UBLK_IO_F_NOUNMAP).isNotZero();
        }
    }

    @Test
    void withoutWritesOfZeroesNoneThatGivesSpaceBackIsMade() {
        Shape shape = Shape.plain().with(DeviceParams.of(Shape.basic(0)));
        try (Try t = new Try(shape, Handler.failing(0))) {
            assertThat(t.disk.run(Io.writeZeroes(0, PAGE, true))).isEqualTo(EOPNOTSUPP);
            assertThat(t.seen()).isEmpty();
        }
    }

    @Test
    void aReadOnlyDeviceRefusesWritesItself() {
        try (Try t = new Try(shape(Attr.UBLK_ATTR_READ_ONLY), Handler.agreeing())) {
            assertThat(t.disk.pwrite(t.area.memory().asSlice(0, PAGE), 0))
                    .isEqualTo(Errno.EPERM.negated());
            assertThat(t.disk.run(Io.read(0, t.area.piece(0, PAGE)))).isEqualTo(PAGE);
            assertThat(t.seen()).containsExactly("read 0+8");
        }
    }

    @Test
    void theEndOfTheDeviceEndsReadsAndWrites() {
        try (Try t = new Try(shape(0), Handler.agreeing())) {
            MemorySegment memory = t.area.memory().asSlice(0, 2L * PAGE);
            long end = Shape.SIZE;
            assertThat(t.disk.pread(memory, end)).isZero();
            assertThat(t.disk.pread(memory, end - PAGE)).isEqualTo(PAGE);
            assertThat(t.disk.pwrite(memory, end)).isEqualTo(Errno.ENOSPC.negated());
            assertThat(t.disk.pwrite(memory, end - PAGE)).isEqualTo(PAGE);
            assertThat(t.seen()).containsExactly("read 32760+8", "write 32760+8");
        }
    }

    @Test
    void whatIsNotAlignedToABlockIsInvalid() {
        try (Try t = new Try(shape(0), Handler.agreeing())) {
            assertThat(t.disk.run(Io.read(100, t.area.piece(0, PAGE)))).isEqualTo(EINVAL);
            assertThat(t.disk.run(Io.read(0, t.area.piece(0, 100)))).isEqualTo(EINVAL);
            assertThat(t.disk.run(Io.write(0, t.area.piece(0, PAGE + 1)))).isEqualTo(EINVAL);
            assertThat(t.seen()).isEmpty();
        }
    }

    @Test
    void memoryThatIsNotAlignedAsTheDeviceWantsIsInvalid() {
        try (Try t = new Try(shape(0), Handler.agreeing())) {
            assertThat(t.disk.run(Io.write(0, t.area.piece(256, PAGE)))).isEqualTo(EINVAL);
            assertThat(t.seen()).isEmpty();
        }
    }

    @Test
    void aDiscardThatIsNotAlignedIsInvalid() {
        try (Try t = new Try(shape(0), Handler.failing(0))) {
            assertThat(t.disk.run(Io.discard(100, PAGE))).isEqualTo(EINVAL);
            assertThat(t.disk.run(Io.discard(0, 100))).isEqualTo(EINVAL);
        }
    }

    @Test
    void aServersBadBufferDoesNotReachTheApplication() {
        try (Try t = new Try(shape(0), Handler.holding())) {
            CompletableFuture<Long> answer = t.disk.submit(Io.read(0, t.area.piece(0, PAGE)));
            Seen request = t.device.queue().awaitSeen(1).getFirst();
            // The commit names the buffer of the next request; this one's data comes from it too.
            var next =
                    t.device
                            .queue()
                            .send(
                                    IoCommand.UBLK_U_IO_COMMIT_AND_FETCH_REQ,
                                    0,
                                    request.tag(),
                                    PAGE,
                                    RawControl.WILD);
            assertThat(ClientDisk.await(answer)).isEqualTo(EIO);
            assertThat(next).isNotDone();
        }
    }
}
