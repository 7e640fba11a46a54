package dev.ublk4j.vhostuser;

import static dev.ublk4j.vhostuser.TestRing.DATA;
import static dev.ublk4j.vhostuser.TestRing.NEXT;
import static dev.ublk4j.vhostuser.TestRing.OK;
import static dev.ublk4j.vhostuser.TestRing.OUT;
import static dev.ublk4j.vhostuser.TestRing.WRITE;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;
import static org.assertj.core.api.Assertions.assertThat;

import dev.ublk4j.sharedmemory.SharedMemory;
import dev.ublk4j.targets.MemoryTarget;
import dev.ublk4j.vhostuser.ring.PackedDriver;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Requests that were out when another process died are done, and those that it answered are not
 * done again. What that process has left behind is written by hand.
 */
final class DeadServerTest {
    private static final Duration LONG = Duration.ofMinutes(4);
    private static final int BLOCK = 4096;
    private static final int PACKED_ENTRY = 32;

    @TempDir private Path folder;

    private final Arena arena = Arena.ofShared();
    private TestExport disk;

    @BeforeEach
    void serve() {
        disk = new TestExport(new MemoryTarget(16 << 20), 1, folder);
    }

    @AfterEach
    void stop() {
        disk.close();
        arena.close();
    }

    /** The memory that a client gets, and brings back with what has been left in it. */
    private final class Left implements AutoCloseable {
        final MemorySegment state;
        private final TestClient client;
        private final SharedMemory file;
        private final long bytes;

        Left(TestClient client) {
            this.client = client;
            ByteBuffer wanted = TestClient.payload(0, 0, 1L | (long) TestRing.SIZE << 16);
            ByteBuffer answer = client.ask(TestClient.GET_INFLIGHT_FD, wanted);
            assertThat(answer.remaining()).as("as long as the question").isEqualTo(24);
            bytes = answer.getLong(0);
            file = SharedMemory.adopt(client.takeReceived());
            state = file.map(arena, false);
            state.set(JAVA_SHORT, 8, (short) 1);
            state.set(JAVA_SHORT, 10, (short) TestRing.SIZE);
        }

        void bringBack() {
            client.tell(TestClient.SET_INFLIGHT_FD, description(), file.fd());
        }

        private ByteBuffer description() {
            return TestClient.payload(bytes, 0, 1L | (long) TestRing.SIZE << 16).limit(20);
        }

        @Override
        public void close() {
            file.close();
        }
    }

    /** Makes two requests available, by the numbers 3 and 6. */
    private static void offerTwo(TestClient client, TestRing ring) {
        for (int i = 0; i < BLOCK; i++) {
            client.memory().set(JAVA_BYTE, (long) DATA + i, (byte) i);
        }
        ring.request(3, OUT, 0, DATA, BLOCK);
        ring.request(6, OUT, 8, DATA, BLOCK);
        ring.offer(3);
        ring.offer(6);
    }

    @Test
    void requestsOfASplitRingThatWereOutAreDone() {
        try (TestClient client = TestClient.withMemory(disk.socket());
                Left left = new Left(client)) {
            // Two requests have been taken, and the first answered; its mark is not cleared.
            left.state.set(JAVA_SHORT, 12, (short) 3);
            mark(left.state, 16 + 3 * 16, 1);
            mark(left.state, 16 + 6 * 16, 2);
            SplitTestRing ring = new SplitTestRing(client, 0);
            offerTwo(client, ring);
            client.memory().set(JAVA_SHORT, 0x8000 + 2, (short) 1);
            left.bringBack();
            ring.started();
            assertThat(ring.awaitUsedAfter(1, 6)).isEqualTo(1);
            assertThat(ring.status(6)).isEqualTo(OK);
            assertThat(ring.status(3)).as("untouched").isEqualTo((byte) 0xff);
            assertThat(ring.base()).isEqualTo(2);
            assertThat(left.state.get(JAVA_BYTE, 16 + 3 * 16)).isZero();
            assertThat(left.state.get(JAVA_BYTE, 16 + 6 * 16)).isZero();
        }
    }

    @ParameterizedTest
    @EnumSource(RingFormat.class)
    void aCallThatADeadServerOwesIsMade(RingFormat format) {
        try (TestClient client = TestClient.withMemory(disk.socket(), format)) {
            TestRing ring = TestRing.of(client, 0);
            ring.callAfter(1);
            ring.request(3, OUT, 0, DATA, BLOCK);
            ring.offer(3);
            // The answer is published, and its client was to be called for it.
            answerByHand(client, ring);
            ring.configure();
            client.tell(TestClient.SET_VRING_BASE, TestClient.pair(0, ring.here()));
            client.tell(TestClient.SET_VRING_ENABLE, TestClient.pair(0, 1));
            assertThat(ring.isCalled(LONG)).isTrue();
            ring.forgetCalls();
            // So it is by another descriptor: the one before may have had the call.
            client.tell(TestClient.SET_VRING_CALL, TestClient.payload(0), ring.call.fd());
            assertThat(ring.isCalled(LONG)).isTrue();
        }
    }

    private static void answerByHand(TestClient client, TestRing ring) {
        switch (ring) {
            case SplitTestRing _ -> {
                client.memory().set(JAVA_INT, 0x8000 + 4, 3);
                client.memory().set(JAVA_INT, 0x8000 + 8, 1);
                client.memory().set(JAVA_SHORT, 0x8000 + 2, (short) 1);
            }
            case PackedTestRing packed ->
                    packed.driver.answerByHand(
                            0,
                            new PackedDriver.Answer(3, 1),
                            PackedDriver.AVAIL | PackedDriver.USED | WRITE);
        }
    }

    private static void mark(MemorySegment state, long entry, long counter) {
        state.set(JAVA_BYTE, entry, (byte) 1);
        state.set(JAVA_LONG, entry + 8, counter);
    }

    @Test
    void requestsOfAPackedRingThatWereOutAreDone() {
        try (TestClient client = TestClient.withMemory(disk.socket(), RingFormat.PACKED);
                Left left = new Left(client)) {
            PackedTestRing ring = new PackedTestRing(client, 0);
            offerTwo(client, ring);
            // Both have been taken, with entries 0 to 2 and 3 to 5. The first has been answered and
            // the batch is published, but not yet written down as that.
            for (int i = 0; i < TestRing.SIZE; i++) {
                left.state.set(JAVA_SHORT, entry(i) + 2, (short) (i + 1));
            }
            keep(left.state, 0, ring, 3, 1);
            keep(left.state, 3, ring, 6, 2);
            left.state.set(JAVA_SHORT, 12, (short) 0); // free_head
            left.state.set(JAVA_SHORT, 14, (short) 6); // old_free_head
            left.state.set(JAVA_SHORT, 16, (short) 3); // used_idx
            left.state.set(JAVA_SHORT, 18, (short) 0); // old_used_idx
            left.state.set(JAVA_SHORT, 20, (short) 0x0101); // both wrap counters
            left.state.set(JAVA_SHORT, entry(2) + 2, (short) 6);
            ring.driver.answerByHand(
                    0,
                    new PackedDriver.Answer(3, 1),
                    PackedDriver.AVAIL | PackedDriver.USED | WRITE);
            left.bringBack();
            ring.started();
            assertThat(ring.awaitUsed(3)).isEqualTo(1);
            assertThat(ring.awaitUsed(6)).isEqualTo(1);
            assertThat(ring.status(6)).isEqualTo(OK);
            assertThat(ring.status(3)).as("untouched").isEqualTo((byte) 0xff);
            assertThat(ring.base()).isEqualTo(ring.here());
            assertThat(left.state.get(JAVA_BYTE, entry(0))).isZero();
            assertThat(left.state.get(JAVA_BYTE, entry(3))).isZero();
            // What is in the memory now is as good for the next process.
            ring.started();
            assertThat(ring.run(OUT, 0, DATA, BLOCK)).isEqualTo(OK);
        }
    }

    private static long entry(int number) {
        return (long) PACKED_ENTRY * (number + 1);
    }

    /** Keeps a request of three descriptors, as {@link TestRing#request} makes it. */
    private static void keep(
            MemorySegment state, int head, TestRing ring, int number, long counter) {
        mark(state, entry(head), counter);
        state.set(JAVA_SHORT, entry(head) + 4, (short) (head + 2));
        state.set(JAVA_SHORT, entry(head) + 6, (short) 3);
        long header = TestRing.guest(ring.headerOf(number));
        descriptor(state, head, header, 16, NEXT);
        descriptor(state, head + 1, TestRing.guest(DATA), BLOCK, NEXT);
        descriptor(state, head + 2, header + 16, 1, WRITE);
        state.set(JAVA_SHORT, entry(head + 2) + 16, (short) number);
    }

    private static void descriptor(
            MemorySegment state, int number, long guest, int length, int flags) {
        state.set(JAVA_SHORT, entry(number) + 18, (short) (flags | PackedDriver.AVAIL));
        state.set(JAVA_INT, entry(number) + 20, length);
        state.set(JAVA_LONG, entry(number) + 24, guest);
    }

    @Test
    void memoryForTheOtherKindOfRingIsNotUsed() {
        try (TestClient client = TestClient.withMemory(disk.socket(), RingFormat.PACKED);
                Left left = new Left(client)) {
            left.bringBack();
            long features = client.ask(TestClient.GET_FEATURES, TestClient.payload()).getLong();
            client.tell(
                    TestClient.SET_FEATURES,
                    TestClient.payload(features & ~TestClient.RING_PACKED));
            SplitTestRing ring = new SplitTestRing(client, 0);
            ring.configure();
            assertThat(client.acknowledged(TestClient.SET_VRING_ENABLE, TestClient.pair(0, 1)))
                    .isNotZero();
        }
    }

    @Test
    void memoryThatIsTooSmallForPackedRingsIsRefused() {
        try (TestClient client = TestClient.withMemory(disk.socket(), RingFormat.PACKED);
                SharedMemory small = SharedMemory.create("small", 4096)) {
            // Of a split ring of 128 they would fit.
            ByteBuffer wanted = TestClient.payload(4096, 0, 1L | 128L << 16).limit(20);
            assertThat(client.acknowledged(TestClient.SET_INFLIGHT_FD, wanted, small.fd()))
                    .isNotZero();
        }
    }
}
