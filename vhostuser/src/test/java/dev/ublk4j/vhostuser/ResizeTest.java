package dev.ublk4j.vhostuser;

import static org.assertj.core.api.Assertions.assertThat;

import dev.ublk4j.linux.EventFd;
import dev.ublk4j.linux.Poll;
import dev.ublk4j.linux.socket.UnixSocket;
import dev.ublk4j.targets.NullTarget;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A disk whose size changes while a client has it. */
class ResizeTest {
    private static final long SIZE = 1 << 20;
    private static final int CONFIG_CHANGE = 2;
    private static final Duration SOON = Duration.ofMinutes(4);

    @TempDir private Path folder;

    private static long sectors(TestClient client) {
        ByteBuffer header = ByteBuffer.allocate(20).order(ByteOrder.LITTLE_ENDIAN);
        header.putInt(0).putInt(8).putInt(0).putLong(0);
        return client.ask(TestClient.GET_CONFIG, header.flip()).position(12).getLong();
    }

    private static void expectChange(UnixSocket channel) {
        try (Poll poll = new Poll(channel.fd());
                Arena arena = Arena.ofConfined()) {
            assertThat(poll.await(SOON)).as("a message").isTrue();
            MemorySegment message = arena.allocate(100, 8);
            assertThat(channel.receive(message, 0).answer()).isEqualTo(12);
            ByteBuffer in = message.asByteBuffer().order(ByteOrder.LITTLE_ENDIAN);
            assertThat(in.getInt()).isEqualTo(CONFIG_CHANGE);
            assertThat(in.getInt()).as("flags: version 1, no reply wanted").isEqualTo(1);
            assertThat(in.getInt()).as("bytes of payload").isZero();
        }
    }

    @ParameterizedTest
    @EnumSource(RingFormat.class)
    void isToldToTheClientWhoseRingGoesOn(RingFormat format) {
        List<UnixSocket> pair = UnixSocket.pair();
        try (TestExport served = new TestExport(new NullTarget(SIZE), 1, folder);
                UnixSocket channel = pair.getFirst();
                UnixSocket passed = pair.getLast();
                TestClient client = TestClient.withMemory(served.socket(), format)) {
            client.tell(TestClient.SET_BACKEND_REQ_FD, TestClient.payload(), passed.fd());
            TestRing ring = TestRing.of(client, 0).started();
            assertThat(sectors(client)).isEqualTo(SIZE / 512);
            assertThat(read(ring, 2 * SIZE - 512)).isEqualTo(TestRing.IOERR);

            served.export.device().resize(2 * SIZE);
            expectChange(channel);
            assertThat(sectors(client)).isEqualTo(2 * SIZE / 512);
            assertThat(read(ring, 2 * SIZE - 512)).isEqualTo(TestRing.OK);

            served.export.device().resize(SIZE / 2);
            expectChange(channel);
            assertThat(sectors(client)).isEqualTo(SIZE / 2 / 512);
            assertThat(read(ring, SIZE / 2)).isEqualTo(TestRing.IOERR);
            assertThat(read(ring, SIZE / 2 - 512)).isEqualTo(TestRing.OK);
        }
    }

    private static int read(TestRing ring, long position) {
        ring.request(0, TestRing.IN, position / 512, TestRing.DATA, 512);
        ring.offerAndKick(0);
        int _ = ring.awaitUsed(0);
        return ring.status(0);
    }

    @Test
    void isNoMatterToAClientThatDoesNotListen() {
        List<UnixSocket> pair = UnixSocket.pair();
        try (TestExport served = new TestExport(new NullTarget(SIZE), 1, folder);
                UnixSocket channel = pair.getFirst();
                UnixSocket passed = pair.getLast();
                TestClient client = TestClient.withMemory(served.socket())) {
            client.tell(TestClient.SET_BACKEND_REQ_FD, TestClient.payload(), passed.fd());
            // More than the socket holds: it is let go of, and nobody waits.
            for (int count = 1; count < 2000; count++) {
                served.export.device().resize(SIZE + (count % 2) * 512L);
            }
            assertThat(sectors(client)).isEqualTo(SIZE / 512 + 1);
            assertThat(channel.fd().isClosed()).isFalse();
        }
    }

    @Test
    void isNoMatterToAClientThatHasNoChannelOrAWrongOne() {
        try (TestExport served = new TestExport(new NullTarget(SIZE), 1, folder);
                EventFd wrong = EventFd.blocking();
                TestClient client = TestClient.withMemory(served.socket())) {
            served.export.device().resize(2 * SIZE);
            client.tell(TestClient.SET_BACKEND_REQ_FD, TestClient.payload(), wrong.fd());
            served.export.device().resize(3 * SIZE);
            assertThat(sectors(client)).isEqualTo(3 * SIZE / 512);
        }
    }

    @Test
    void isToldTheNextClientToo() {
        try (TestExport served = new TestExport(new NullTarget(SIZE), 1, folder)) {
            for (int count = 1; count <= 3; count++) {
                List<UnixSocket> pair = UnixSocket.pair();
                try (UnixSocket channel = pair.getFirst();
                        UnixSocket passed = pair.getLast();
                        TestClient client = TestClient.withMemory(served.socket())) {
                    client.tell(TestClient.SET_BACKEND_REQ_FD, TestClient.payload(), passed.fd());
                    served.export.device().resize(SIZE * (count + 1));
                    expectChange(channel);
                }
            }
            served.export.device().resize(SIZE);
        }
    }
}
