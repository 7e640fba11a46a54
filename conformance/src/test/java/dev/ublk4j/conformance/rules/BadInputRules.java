package dev.ublk4j.conformance.rules;

import static org.assertj.core.api.Assertions.assertThat;

import dev.ublk4j.conformance.device.Handler;
import dev.ublk4j.conformance.device.QueueLoop;
import dev.ublk4j.conformance.device.Seen;
import dev.ublk4j.conformance.device.Shape;
import dev.ublk4j.conformance.device.TestDevice;
import dev.ublk4j.conformance.lane.ClientArea;
import dev.ublk4j.conformance.lane.ClientDisk;
import dev.ublk4j.conformance.lane.Io;
import dev.ublk4j.conformance.lane.Lane;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.uapi.ControlCommand;
import dev.ublk4j.uapi.Feature;
import dev.ublk4j.uapi.wire.IoCommand;
import dev.ublk4j.uapi.wire.ShmemBufRegLayout;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What servers and applications may do that makes no sense, and what comes of it. */
public abstract class BadInputRules extends LaneRules {
    private static final int FETCH = IoCommand.UBLK_U_IO_FETCH_REQ;
    private static final int COMMIT = IoCommand.UBLK_U_IO_COMMIT_AND_FETCH_REQ;
    private static final int EOVERFLOW = Errno.EOVERFLOW.negated();
    private static final Shape SHARED = Shape.plain().with(Feature.SHMEM_ZC);

    protected BadInputRules(Supplier<? extends Lane> lanes) {
        super(lanes);
    }

    private QueueLoop otherThread(TestDevice device, Handler handler) {
        return new QueueLoop(device.charDevice(), device.info(), 0, handler, index -> null);
    }

    /** The kernel's memory, the first two pages, and nothing at all. */
    @ParameterizedTest
    @ValueSource(longs = {0xffff_8000_0000_0000L, 0, 4096, 1L << 46})
    void aBufferWhereThereIsNoMemoryIsAFaultAndPinsNothing(long address) {
        assertRefused(address, EFAULT);
    }

    @ParameterizedTest
    @ValueSource(longs = {-4096, -2 * 4096})
    void aBufferThatWrapsRoundTheAddressSpaceOverflowsAndPinsNothing(long address) {
        assertRefused(address, EOVERFLOW);
    }

    private void assertRefused(long address, int errno) {
        try (TestDevice device = added(SHARED);
                Shared shared = new Shared(lane(), 4L * PAGE);
                Arena arena = Arena.ofConfined()) {
            long before = lane().pinnedBytes();
            MemorySegment payload = arena.allocate(ShmemBufRegLayout.SIZE, 8);
            for (long length : new long[] {2L * PAGE, 8L * PAGE}) {
                ShmemBufRegLayout.write(payload, 0, address, length, 0);
                assertThat(raw().send(ControlCommand.REG_BUF, device.id(), payload))
                        .isEqualTo(errno);
            }
            assertThat(lane().pinnedBytes()).isLessThanOrEqualTo(before);
            assertThat(device.register(shared.server(), false)).as("the first index").isZero();
        }
    }

    @Test
    void aFetchOfATagThatAnotherThreadHasFetchedIsInvalid() {
        try (TestDevice device = attached(Shape.plain(), Handler.agreeing());
                QueueLoop other = otherThread(device, Handler.agreeing())) {
            device.queue().fetch(0);
            // In order after the fetch, on the same thread.
            assertThat(device.queue().call(FETCH, 0, 0, 0, device.queue().address(0)))
                    .isEqualTo(EINVAL);
            assertThat(other.call(FETCH, 0, 0, 0, other.address(0))).isEqualTo(EINVAL);
            assertThat(other.call(COMMIT, 0, 0, 0, other.address(0))).isEqualTo(EINVAL);
        }
    }

    @Test
    void theTagsOfAQueueMayBelongToSeveralThreads() {
        try (TestDevice device = attached(Shape.plain(), Handler.agreeing());
                QueueLoop other = otherThread(device, Handler.agreeing())) {
            device.queue().fetch(0);
            device.queue().fetch(1);
            other.fetch(2);
            other.fetch(3);
            device.start();
            try (Arena arena = Arena.ofShared();
                    ClientArea area = lane().area(pages(arena, 64L * PAGE));
                    ClientDisk disk = device.open()) {
                List<CompletableFuture<Long>> answers = new ArrayList<>();
                for (int i = 0; i < 64; i++) {
                    answers.add(
                            disk.submit(
                                    Io.write(i * 8L * PAGE, area.piece((long) i * PAGE, PAGE))));
                }
                answers.forEach(
                        answer -> assertThat(ClientDisk.await(answer)).isEqualTo((long) PAGE));
            }
            assertThat(device.queue().seen()).allMatch(seen -> seen.tag() < 2);
            assertThat(other.seen()).allMatch(seen -> seen.tag() >= 2);
            assertThat(device.queue().seen().size() + other.seen().size()).isEqualTo(64);
            device.control().stop(device.id());
        }
    }

    @Test
    void aSecondCommitOfTheSameRequestIsBusyAndTheNextRequestIsNotLost() {
        try (TestDevice device = live(Shape.plain().with(1, 1), Handler.holding());
                Arena arena = Arena.ofShared();
                ClientArea area = lane().area(pages(arena, 2L * PAGE));
                ClientDisk disk = device.open()) {
            QueueLoop queue = device.queue();
            CompletableFuture<Long> first = disk.submit(Io.write(0, area.piece(0, PAGE)));
            Seen request = queue.awaitSeen(1).getFirst();
            queue.answer(request, PAGE);
            assertThat(queue.call(COMMIT, 0, 0, PAGE, queue.address(0))).isEqualTo(EBUSY);
            assertThat(ClientDisk.await(first)).isEqualTo(PAGE);
            CompletableFuture<Long> second = disk.submit(Io.write(0, area.piece(PAGE, PAGE)));
            queue.answer(queue.awaitSeen(2).getLast(), PAGE);
            assertThat(ClientDisk.await(second)).isEqualTo(PAGE);
        }
    }

    @Test
    void anApplicationThatClosesTheDiskWhileItsRequestIsOutLosesNothing() {
        try (TestDevice device = live(SHARED, Handler.holding());
                Shared shared = new Shared(lane(), 4L * PAGE)) {
            int index = device.register(shared.server(), false);
            ClientDisk disk = device.open();
            CompletableFuture<Long> answer =
                    disk.submit(Io.write(0, shared.client().piece(0, PAGE)));
            Seen request = device.queue().awaitSeen(1).getFirst();
            CompletableFuture<Boolean> closed =
                    meanwhile(() -> {
                        disk.close();
                        return true;
                    });
            device.queue().answer(request, PAGE);
            assertThat(ClientDisk.await(answer)).isEqualTo(PAGE);
            assertThat(closed.join()).isTrue();
            device.unregister(index);
        }
    }

    @Test
    void anApplicationThatUnmapsASharedBufferUnderItsRequestChangesNothingForTheServer() {
        try (TestDevice device = live(SHARED, Handler.holding());
                Shared shared = new Shared(lane(), 4L * PAGE);
                ClientDisk disk = device.open()) {
            int index = device.register(shared.server(), false);
            byte[] expected;
            CompletableFuture<Long> answer;
            Seen request;
            try (Arena arena = Arena.ofShared()) {
                MemorySegment mapping = shared.file().map(arena, false);
                pattern(mapping, 7);
                expected = mapping.asSlice(PAGE, PAGE).toArray(ValueLayout.JAVA_BYTE);
                try (ClientArea area = lane().area(mapping)) {
                    answer = disk.submit(Io.write(0, area.piece(PAGE, PAGE)));
                    request = device.queue().awaitSeen(1).getFirst();
                }
            }
            assertThat(request.isShared()).isTrue();
            MemorySegment data = shared.server().asSlice(request.bufferOffset(), PAGE);
            assertThat(data.mismatch(MemorySegment.ofArray(expected))).isEqualTo(-1);
            device.queue().answer(request, PAGE);
            assertThat(ClientDisk.await(answer)).isEqualTo(PAGE);
            device.unregister(index);
        }
    }

    @Test
    void aServerThatUnmapsARegisteredBufferStillGetsRequestsInIt() {
        try (TestDevice device = live(SHARED, Handler.failing(EIO));
                Shared shared = new Shared(lane(), 4L * PAGE);
                ClientDisk disk = device.open()) {
            try (Arena arena = Arena.ofShared()) {
                assertThat(device.register(shared.file().map(arena, false), false)).isZero();
                device.remember(0, shared.server());
            }
            assertThat(disk.run(Io.write(0, shared.client().piece(0, PAGE)))).isEqualTo(EIO);
            assertThat(device.queue().awaitSeen(1).getFirst().isShared()).isTrue();
            device.unregister(0);
        }
    }
}
