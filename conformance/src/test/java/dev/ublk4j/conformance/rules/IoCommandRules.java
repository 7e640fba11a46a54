package dev.ublk4j.conformance.rules;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.ublk4j.conformance.device.Handler;
import dev.ublk4j.conformance.device.MemoryBackend;
import dev.ublk4j.conformance.device.QueueLoop;
import dev.ublk4j.conformance.device.Seen;
import dev.ublk4j.conformance.device.Shape;
import dev.ublk4j.conformance.device.TestDevice;
import dev.ublk4j.conformance.lane.ClientArea;
import dev.ublk4j.conformance.lane.ClientDisk;
import dev.ublk4j.conformance.lane.Io;
import dev.ublk4j.conformance.lane.Lane;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.uapi.Feature;
import dev.ublk4j.uapi.wire.BufferOffset;
import dev.ublk4j.uapi.wire.IoCommand;
import dev.ublk4j.uapi.wire.IoCommandLayout;
import dev.ublk4j.uapi.wire.IoDescLayout;
import dev.ublk4j.uapi.wire.IoResult;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What the char device answers to io commands, and how it is mapped. */
public abstract class IoCommandRules extends LaneRules {
    private static final int FETCH = IoCommand.UBLK_U_IO_FETCH_REQ;
    private static final int COMMIT = IoCommand.UBLK_U_IO_COMMIT_AND_FETCH_REQ;
    private static final int GET_DATA = IoCommand.UBLK_U_IO_NEED_GET_DATA;
    private static final int UNKNOWN = (3 << 30) | (IoCommandLayout.SIZE << 16) | ('u' << 8) | 0x2f;

    protected IoCommandRules(Supplier<? extends Lane> lanes) {
        super(lanes);
    }

    @ParameterizedTest
    @ValueSource(ints = {FETCH, COMMIT, UNKNOWN})
    void aQueueThatIsNotThereIsInvalid(int op) {
        try (TestDevice device = attached(Shape.plain(), Handler.agreeing())) {
            QueueLoop queue = device.queue();
            assertThat(queue.call(op, 1, 0, 0, queue.address(0))).isEqualTo(EINVAL);
            assertThat(queue.call(op, 0xffff, 0, 0, queue.address(0))).isEqualTo(EINVAL);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {FETCH, COMMIT, UNKNOWN})
    void aTagThatIsNotThereIsInvalid(int op) {
        try (TestDevice device = attached(Shape.plain(), Handler.agreeing())) {
            QueueLoop queue = device.queue();
            assertThat(queue.call(op, 0, 4, 0, queue.address(0))).isEqualTo(EINVAL);
            assertThat(queue.call(op, 0, 0xffff, 0, queue.address(0))).isEqualTo(EINVAL);
        }
    }

    @Test
    void aCommandOfAnotherTypeIsNotSupportedWhateverItsTag() {
        try (TestDevice device = attached(Shape.plain(), Handler.agreeing())) {
            int op = (FETCH & ~0xff00) | ('v' << 8);
            assertThat(device.queue().call(op, 9, 9, 0, 0)).isEqualTo(EOPNOTSUPP);
        }
    }

    @Test
    void aFetchWithoutABufferIsInvalid() {
        try (TestDevice device = attached(Shape.plain(), Handler.agreeing())) {
            assertThat(device.queue().call(FETCH, 0, 0, 0, 0)).isEqualTo(EINVAL);
        }
    }

    @Test
    void aFetchWithABufferIsInvalidWhereTheServerCopies() {
        try (TestDevice device =
                attached(Shape.plain().with(Feature.USER_COPY), Handler.agreeing())) {
            long address = device.queue().buffer(0).address();
            assertThat(device.queue().call(FETCH, 0, 0, 0, address)).isEqualTo(EINVAL);
        }
    }

    @Test
    void aFetchNeedsNoBufferWhereTheServerNamesItLater() {
        try (TestDevice device =
                attached(Shape.plain().with(Feature.NEED_GET_DATA), Handler.agreeing())) {
            CompletableFuture<Integer> fetch = device.queue().send(FETCH, 0, 0, 0, 0);
            assertThat(device.queue().call(FETCH, 0, 4, 0, 0)).as("a later one").isEqualTo(EINVAL);
            assertThat(fetch).isNotDone();
        }
    }

    @Test
    void aTagIsFetchedOnce() {
        try (TestDevice device = attached(Shape.plain(), Handler.agreeing())) {
            QueueLoop queue = device.queue();
            queue.fetch(0);
            assertThat(queue.call(FETCH, 0, 0, 0, queue.address(0))).isEqualTo(EINVAL);
        }
    }

    @Test
    void aFetchIsBusyOnceEveryTagIsFetched() {
        try (TestDevice device = attached(Shape.plain(), Handler.agreeing())) {
            QueueLoop queue = device.queue();
            device.fetchAll();
            assertThat(queue.call(FETCH, 0, 0, 0, queue.address(0)))
                    .as("before the start")
                    .isEqualTo(EBUSY);
            device.start();
            assertThat(queue.call(FETCH, 0, 0, 0, queue.address(0)))
                    .as("after the start")
                    .isEqualTo(EBUSY);
        }
    }

    @Test
    void aFetchAfterAStopIsTakenBackAtOnce() {
        since73();
        try (TestDevice device = live(Shape.plain(), Handler.agreeing())) {
            QueueLoop queue = device.queue();
            device.control().stop(device.id());
            queue.awaitAborted();
            assertThat(queue.call(FETCH, 0, 0, 0, queue.address(0)))
                    .isEqualTo(IoResult.UBLK_IO_RES_ABORT);
        }
    }

    @Test
    void aCommitOfATagThatWasNeverFetchedIsInvalid() {
        try (TestDevice device = attached(Shape.plain(), Handler.agreeing())) {
            QueueLoop queue = device.queue();
            assertThat(queue.call(COMMIT, 0, 0, 0, queue.address(0))).isEqualTo(EINVAL);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {COMMIT, GET_DATA, UNKNOWN})
    void aCommandForATagThatIsWithTheDriverIsBusy(int op) {
        try (TestDevice device = live(Shape.plain(), Handler.agreeing())) {
            QueueLoop queue = device.queue();
            assertThat(queue.call(op, 0, 0, 0, queue.address(0))).isEqualTo(EBUSY);
        }
    }

    @Test
    void aCommandFromAnotherThreadThanTheTagsIsInvalid() {
        try (TestDevice device = live(Shape.plain(), Handler.holding());
                QueueLoop other =
                        new QueueLoop(
                                device.charDevice(),
                                device.info(),
                                0,
                                Handler.holding(),
                                index -> null);
                Arena arena = Arena.ofShared();
                ClientArea area = lane().area(pages(arena, PAGE));
                ClientDisk disk = device.open()) {
            CompletableFuture<Long> answer = disk.submit(Io.write(0, area.all()));
            Seen request = device.queue().awaitSeen(1).getFirst();
            assertThat(other.call(COMMIT, 0, request.tag(), PAGE, other.address(0)))
                    .isEqualTo(EINVAL);
            assertThat(answer).isNotDone();
            device.queue().answer(request, PAGE);
            assertThat(ClientDisk.await(answer)).isEqualTo(PAGE);
        }
    }

    @Test
    void aRefusedCommitLeavesTheRequestWithTheServer() {
        try (TestDevice device = live(Shape.plain(), Handler.holding());
                Arena arena = Arena.ofShared();
                ClientArea area = lane().area(pages(arena, PAGE));
                ClientDisk disk = device.open()) {
            CompletableFuture<Long> answer = disk.submit(Io.write(0, area.all()));
            QueueLoop queue = device.queue();
            Seen request = queue.awaitSeen(1).getFirst();
            int tag = request.tag();
            assertThat(queue.call(COMMIT, 0, tag, PAGE, 0)).as("no buffer").isEqualTo(EINVAL);
            assertThat(queue.call(GET_DATA, 0, tag, 0, queue.address(tag)))
                    .as("data nobody asked for")
                    .isEqualTo(EINVAL);
            assertThat(queue.call(UNKNOWN, 0, tag, 0, queue.address(tag)))
                    .as("an unknown command")
                    .isEqualTo(EINVAL);
            assertThat(queue.call(FETCH, 0, tag, 0, queue.address(tag)))
                    .as("a fetch")
                    .isEqualTo(EBUSY);
            assertThat(answer).isNotDone();
            queue.answer(request, PAGE);
            assertThat(ClientDisk.await(answer)).isEqualTo(PAGE);
        }
    }

    @Test
    void aCommandIsKnownByItsBareNumberToo() {
        try (TestDevice device = attached(Shape.plain(), Handler.agreeing())) {
            QueueLoop queue = device.queue();
            assertThat(queue.call(IoCommand.UBLK_IO_FETCH_REQ, 0, 4, 0, queue.address(0)))
                    .isEqualTo(EINVAL);
            CompletableFuture<Integer> fetch =
                    queue.send(IoCommand.UBLK_IO_FETCH_REQ, 0, 0, 0, queue.address(0));
            assertThat(queue.call(FETCH, 0, 0, 0, queue.address(0))).isEqualTo(EINVAL);
            assertThat(fetch).isNotDone();
        }
    }

    @Test
    void aWriteAsksForItsBufferWhereTheServerNamesItLater() {
        try (TestDevice device =
                        attached(Shape.plain().with(Feature.NEED_GET_DATA), Handler.holding());
                Arena arena = Arena.ofShared();
                ClientArea area = lane().area(pattern(pages(arena, PAGE), 3))) {
            QueueLoop queue = device.queue();
            CompletableFuture<Integer> fetch = null;
            for (int tag = 0; tag < 4; tag++) {
                CompletableFuture<Integer> sent = queue.send(FETCH, 0, tag, 0, 0);
                fetch = fetch == null ? sent : fetch.applyToEither(sent, answer -> answer);
            }
            device.start();
            try (ClientDisk disk = device.open()) {
                CompletableFuture<Long> answer = disk.submit(Io.write(0, area.all()));
                assertThat(fetch).isNotNull();
                assertThat(fetch == null ? -1 : fetch.join())
                        .isEqualTo(IoResult.UBLK_IO_RES_NEED_GET_DATA);
                int tag = tagThatIsOut(queue);
                MemorySegment buffer = queue.buffer(tag);
                assertThat(queue.call(GET_DATA, 0, tag, 0, buffer.address()))
                        .isEqualTo(IoResult.UBLK_IO_RES_OK);
                assertThat(buffer.asSlice(0, PAGE).mismatch(area.memory())).isEqualTo(-1);
                CompletableFuture<Integer> next =
                        queue.send(COMMIT, 0, tag, PAGE, buffer.address());
                assertThat(ClientDisk.await(answer)).isEqualTo(PAGE);
                assertThat(next).isNotDone();
            }
        }
    }

    /** A commit is busy for every tag but the one that is out, where it is invalid. */
    private static int tagThatIsOut(QueueLoop queue) {
        for (int tag = 0; tag < 4; tag++) {
            if (queue.call(UNKNOWN, 0, tag, 0, 0) == EINVAL) {
                return tag;
            }
        }
        throw new AssertionError("no tag is out");
    }

    @Test
    void descriptorsLieAsFarApartAsTheDeviceWasAskedFor() {
        MemoryBackend backend = new MemoryBackend(Shape.SIZE);
        try (TestDevice device = live(Shape.plain().withDescriptorBytes(64), backend);
                Arena arena = Arena.ofShared();
                ClientArea area = lane().area(pattern(pages(arena, 4L * PAGE), 5));
                ClientDisk disk = device.open()) {
            for (int i = 0; i < 4; i++) {
                assertThat(disk.run(Io.write(i * 64L * PAGE, area.piece((long) i * PAGE, PAGE))))
                        .isEqualTo(PAGE);
            }
            for (int i = 0; i < 4; i++) {
                assertThat(
                                backend.disk()
                                        .asSlice(i * 64L * PAGE, PAGE)
                                        .mismatch(area.piece((long) i * PAGE, PAGE).memory()))
                        .isEqualTo(-1);
            }
        }
    }

    @Test
    void theDescriptorsAreMappedInOnePieceOfTheirSizeAndAtTheirPlace() {
        try (TestDevice device = added(Shape.plain());
                Arena arena = Arena.ofShared()) {
            device.attach(Handler.agreeing());
            long bytes = BufferOffset.descriptorBytes(4, IoDescLayout.SIZE, PAGE);
            assertThat(device.charDevice().map(0, bytes, arena).byteSize()).isEqualTo(bytes);
            assertRefusesMap(device, arena, 0, 2 * bytes, Errno.EINVAL);
            long next = BufferOffset.descriptors(1, IoDescLayout.SIZE, PAGE);
            assertRefusesMap(device, arena, next, bytes, Errno.EINVAL);
        }
    }

    private static void assertRefusesMap(
            TestDevice device, Arena arena, long offset, long bytes, Errno errno) {
        assertThatThrownBy(() -> device.charDevice().map(offset, bytes, arena))
                .isInstanceOfSatisfying(
                        LinuxException.class, e -> assertThat(e.errno()).isEqualTo(errno));
    }

    @Test
    void aServerThatCopiesReadsAndWritesARequestsDataThroughTheCharDevice() {
        try (TestDevice device = live(Shape.plain().with(Feature.USER_COPY), Handler.holding());
                Arena arena = Arena.ofShared();
                ClientArea area = lane().area(pattern(pages(arena, 2L * PAGE), 9));
                ClientDisk disk = device.open()) {
            QueueLoop queue = device.queue();
            CompletableFuture<Long> write = disk.submit(Io.write(0, area.all()));
            Seen request = queue.awaitSeen(1).getFirst();
            MemorySegment copy = arena.allocate(2L * PAGE);
            long position = BufferOffset.of(0, request.tag(), 0);
            assertThat(queue.onThread(() -> device.charDevice().pread(copy, position)))
                    .isEqualTo(2 * PAGE);
            assertThat(copy.mismatch(area.memory())).isEqualTo(-1);
            assertThat(queue.onThread(() -> device.charDevice().pwrite(copy, position)))
                    .as("the wrong way round")
                    .isEqualTo(Errno.EACCES.negated());
            assertThat(
                            queue.onThread(() ->
                                    device.charDevice()
                                            .pread(copy.asSlice(0, 512), position + 512)))
                    .isEqualTo(512);
            assertThat(copy.asSlice(0, 512).mismatch(area.memory().asSlice(512, 512)))
                    .isEqualTo(-1);
            assertThat(
                            queue.onThread(
                                    () -> device.charDevice().pread(copy, position + 2 * PAGE + 1)))
                    .as("behind the end")
                    .isEqualTo(EINVAL);
            queue.answer(request, 2 * PAGE);
            assertThat(ClientDisk.await(write)).isEqualTo(2 * PAGE);
            assertThat(queue.onThread(() -> device.charDevice().pread(copy, position)))
                    .as("of a tag that is not out")
                    .isEqualTo(EINVAL);
        }
    }

    @Test
    void aServerThatDoesNotCopyCannotReachDataThroughTheCharDevice() {
        try (TestDevice device = live(Shape.plain(), Handler.agreeing());
                Arena arena = Arena.ofShared()) {
            MemorySegment copy = arena.allocate(512);
            assertThat(device.charDevice().pread(copy, BufferOffset.of(0, 0, 0)))
                    .isEqualTo(Errno.EACCES.negated());
        }
    }
}
