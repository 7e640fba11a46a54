package dev.ublk4j.vhostuser;

import static dev.ublk4j.vhostuser.TestRing.DATA;
import static dev.ublk4j.vhostuser.TestRing.IN;
import static dev.ublk4j.vhostuser.TestRing.OK;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.assertj.core.api.Assertions.assertThat;

import dev.ublk4j.linux.Poll;
import dev.ublk4j.linux.socket.UnixSocket;
import dev.ublk4j.targets.MemoryTarget;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Clients that do things as user-mode Linux does them. */
@DisplayName("A client")
@SuppressWarnings("try") // tests close sockets before their time
final class PlainClientTest {
    private static final Duration LONG = Duration.ofMinutes(4);

    @TempDir private Path folder;

    private TestExport disk;

    @BeforeEach
    void serve() {
        disk = new TestExport(new MemoryTarget(16 << 20), 1, folder);
    }

    @AfterEach
    void stop() {
        disk.close();
    }

    @Test
    void mayAskForAnAcknowledgementOfWhatAgreesOnThem() {
        try (TestClient client = TestClient.negotiated(disk.socket())) {
            long all = client.ask(TestClient.GET_PROTOCOL_FEATURES, TestClient.payload()).getLong();
            assertThat(
                            client.acknowledged(
                                    TestClient.SET_PROTOCOL_FEATURES, TestClient.payload(all)))
                    .isZero();
        }
        try (TestClient client = TestClient.connected(disk.socket())) {
            long replies = 1L << 3;
            assertThat(
                            client.acknowledged(
                                    TestClient.SET_PROTOCOL_FEATURES, TestClient.payload(replies)))
                    .isZero();
            assertThat(client.acknowledged(TestClient.SET_PROTOCOL_FEATURES, TestClient.payload(0)))
                    .as("as long as it is agreed on")
                    .isZero();
        }
    }

    @Test
    void isCalledByASocketThatNeverHoldsAQueueUp() {
        List<UnixSocket> pair = UnixSocket.pair();
        try (UnixSocket mine = pair.getFirst();
                UnixSocket theirs = pair.getLast();
                Poll poll = new Poll(mine.fd());
                Arena arena = Arena.ofConfined();
                TestClient client = TestClient.withMemory(disk.socket())) {
            TestRing ring = TestRing.of(client, 0).started();
            client.tell(TestClient.SET_VRING_CALL, TestClient.payload(0), theirs.fd());
            assertThat(poll.await(LONG)).isTrue();
            MemorySegment heard = arena.allocate(JAVA_LONG);
            assertThat(mine.receive(heard, 0).answer()).isEqualTo(8);
            ring.callAfter(1);
            assertThat(ring.run(IN, 0, DATA, 512)).isEqualTo(OK);
            assertThat(poll.await(LONG)).isTrue();
            // Full, with nobody who listens, and in the end closed.
            MemorySegment much = arena.allocate(1 << 20);
            while (theirs.send(much) > 0) {}
            runAndCall(ring, 2);
            mine.close();
            runAndCall(ring, 3);
        }
    }

    private static void runAndCall(TestRing ring, int requests) {
        ring.callAfter(requests);
        assertThat(ring.run(IN, 0, DATA, 512)).isEqualTo(OK);
    }

    @Test
    void thatKnowsOfNoWrapCountersBeginsAPackedRingAtZero() {
        try (TestClient client = TestClient.withMemory(disk.socket(), RingFormat.PACKED)) {
            TestRing ring = TestRing.of(client, 0);
            ring.configure();
            client.tell(TestClient.SET_VRING_BASE, TestClient.pair(0, 0));
            // It may well have begun before the device has.
            ring.request(0, IN, 0, DATA, 512);
            ring.offerAndKick(0);
            client.tell(TestClient.SET_VRING_ENABLE, TestClient.pair(0, 1));
            assertThat(ring.awaitUsed(0)).isEqualTo(513);
            assertThat(ring.status(0)).isEqualTo(OK);
        }
    }

    @Test
    void thatKnowsThemGoesOnAtZeroWhereAPackedRingIsThere() {
        try (TestClient client = TestClient.withMemory(disk.socket(), RingFormat.PACKED)) {
            TestRing ring = TestRing.of(client, 0).started();
            // Rings of a multiple of three begin laps with requests of three descriptors.
            for (int i = 0; i < TestRing.SIZE - 4; i += 3) {
                assertThat(ring.run(IN, 0, DATA, 512)).isEqualTo(OK);
            }
            while (ring.here() != 0) {
                ring.request(0, 4, 0, DATA, 0);
                ring.offerAndKick(0);
                ring.awaitUsed(0);
            }
            assertThat(ring.base()).isZero();
            client.tell(TestClient.SET_VRING_BASE, TestClient.pair(0, 0));
            client.tell(TestClient.SET_VRING_KICK, TestClient.payload(0), ring.kick.fd());
            assertThat(ring.run(IN, 0, DATA, 512)).isEqualTo(OK);
        }
    }

    @Test
    void ofTheTimeBeforeVirtioOneMayLayItsRequestsOutAsItLikes() {
        try (TestClient client = TestClient.withMemory(disk.socket())) {
            client.tell(
                    TestClient.SET_FEATURES,
                    TestClient.payload(TestClient.ANY_LAYOUT | TestClient.PROTOCOL_FEATURES));
            TestRing ring = TestRing.of(client, 0).started();
            assertThat(ring.run(IN, 0, DATA, 512)).isEqualTo(OK);
            long features = client.ask(TestClient.GET_FEATURES, TestClient.payload()).getLong();
            assertThat(features & TestClient.ANY_LAYOUT).as("VIRTIO_F_ANY_LAYOUT").isNotZero();
        }
    }

    @Test
    void isNotOfferedPackedRingsWhereThatIsSaid() throws Exception {
        Path other = Files.createDirectory(folder.resolve("other"));
        try (TestExport split =
                        new TestExport(
                                new MemoryTarget(1 << 20),
                                1,
                                other,
                                options -> options.withPacked(false));
                TestClient client = TestClient.connected(split.socket())) {
            long features = client.ask(TestClient.GET_FEATURES, TestClient.payload()).getLong();
            assertThat(features & TestClient.RING_PACKED).isZero();
        }
    }
}
