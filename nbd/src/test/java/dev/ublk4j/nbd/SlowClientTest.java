package dev.ublk4j.nbd;

import static org.assertj.core.api.Assertions.assertThat;

import dev.ublk4j.nbd.wire.Command;
import dev.ublk4j.nbd.wire.Magic;
import dev.ublk4j.targets.MemoryTarget;
import dev.ublk4j.targets.NullTarget;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Who has begun something goes on with it, or has to go. */
@Timeout(value = 5, unit = TimeUnit.MINUTES)
class SlowClientTest {
    private static final int LARGEST = 32 << 20;
    private static final long SIZE = 1L << 30;

    @TempDir Path folder;

    private Served served(Duration patience) {
        return Served.of(
                folder,
                NbdOptions.defaults()
                        .withMaxPayloads(NbdOptions.MIN_PAYLOADS)
                        .withPatience(patience),
                new NullTarget(SIZE));
    }

    /** Begins a request of so many bytes and sends some of it. */
    private static void begin(NbdClient client, int length, int sent) throws IOException {
        ByteBuffer message = ByteBuffer.allocate(28 + length);
        message.putInt(Magic.REQUEST).putShort((short) 0).putShort((short) Command.WRITE);
        message.putLong(1).putLong(0).putInt(length);
        client.write(message.position(sent));
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 27, 28, 1000, 100_000, 27 + LARGEST})
    void whoStopsInTheMiddleOfARequestIsNotWaitedFor(int sent) throws Exception {
        try (Served served = served(Duration.ofMillis(400));
                NbdClient client = NbdClient.inTransmission(served.socket)) {
            begin(client, LARGEST, sent);
            assertThat(client.isEnded()).isTrue();
        }
    }

    @Test
    void whoSendsAByteNowAndThenIsNotWaitedFor() throws Exception {
        try (Served served = served(Duration.ofMillis(400));
                NbdClient client = NbdClient.inTransmission(served.socket)) {
            begin(client, LARGEST, 28);
            boolean ended = false;
            for (int count = 0; count < 1000 && !ended; count++) {
                try {
                    client.write(ByteBuffer.allocate(1).put((byte) 0));
                    Thread.sleep(20);
                } catch (IOException e) {
                    ended = true;
                }
            }
            assertThat(ended).isTrue();
        }
    }

    @Test
    void whoDoesNotReadRepliesIsNotWaitedFor() throws Exception {
        try (Served served = served(Duration.ofMillis(400));
                NbdClient client = NbdClient.inTransmission(served.socket)) {
            for (int count = 0; count < 8; count++) {
                client.send(Command.READ, 0, 0, 1 << 20);
            }
            Thread.sleep(2000);
            assertThat(client.isEnded()).as("long before all has been read").isTrue();
            try (NbdClient next = NbdClient.inTransmission(served.socket)) {
                assertThat(next.readAt(0, LARGEST)).hasSize(LARGEST);
            }
        }
    }

    @Test
    void whoGoesOnSlowlyIsWaitedFor() throws Exception {
        try (Served served = served(Duration.ofSeconds(3));
                NbdClient client = NbdClient.inTransmission(served.socket)) {
            int strides = 5;
            begin(client, strides << 20, 28);
            for (int stride = 0; stride < strides; stride++) {
                Thread.sleep(900);
                client.write(ByteBuffer.allocate(1 << 20).position(1 << 20));
            }
            assertThat(client.receive(0).error()).isZero();
        }
    }

    @Test
    void payloadsOfAllClientsHaveABoundAndTheirTurn() throws Exception {
        List<NbdClient> stalled = new ArrayList<>();
        try (Served served = served(Duration.ofSeconds(60));
                NbdClient small = NbdClient.inTransmission(served.socket)) {
            for (int count = 0; count < 12; count++) {
                NbdClient client = NbdClient.inTransmission(served.socket);
                stalled.add(client);
                client.channel.configureBlocking(false);
                ByteBuffer header = ByteBuffer.allocate(28).putInt(Magic.REQUEST);
                header.putShort((short) 0).putShort((short) Command.WRITE);
                client.write(header.putLong(1).putLong(0).putInt(LARGEST));
            }
            List<Integer> sent = sendAllButOneByte(stalled, small);
            assertThat(sent).filteredOn(bytes -> bytes == LARGEST - 1).hasSize(2);
            assertThat(sent)
                    .as("what waits in sockets")
                    .filteredOn(bytes -> bytes < 2 << 20)
                    .hasSize(stalled.size() - 2);
            for (NbdClient client : stalled) {
                client.close();
            }
            assertThat(small.errorOf(Command.WRITE, 0, 0, LARGEST, new byte[LARGEST])).isZero();
        }
    }

    @Test
    void whoKeepsMemoryThatOthersWaitForHasOnePatienceForAllOfIt() throws Exception {
        Duration patience = Duration.ofSeconds(2);
        List<Thread> readers = new ArrayList<>();
        List<NbdClient> slow = new ArrayList<>();
        try (Served served = served(patience)) {
            for (int count = 0; count < 4; count++) {
                NbdClient client = NbdClient.inTransmission(served.socket);
                slow.add(client);
                for (int read = 0; read < 40; read++) {
                    client.send(Command.READ, 0, 0, LARGEST);
                }
                // In time for each megabyte, and for minutes at all of it.
                readers.add(Thread.ofVirtual().start(() -> readSlowly(client)));
            }
            try (NbdClient honest = NbdClient.inTransmission(served.socket)) {
                byte[] payload = new byte[16 << 20];
                assertThat(honest.errorOf(Command.WRITE, 0, 0, payload.length, payload)).isZero();
            }
        } finally {
            for (NbdClient client : slow) {
                client.close();
            }
            for (Thread reader : readers) {
                reader.join();
            }
        }
    }

    private static void readSlowly(NbdClient client) {
        ByteBuffer some = ByteBuffer.allocate(1 << 20);
        try {
            while (client.channel.read(some.clear()) >= 0) {
                Thread.sleep(200);
            }
        } catch (IOException e) {
            // It has been cut, or the test is over.
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Test
    void whoKeepsMemoryThatNobodyWaitsForMayTakeLonger() throws Exception {
        try (Served served = served(Duration.ofSeconds(1));
                NbdClient client = NbdClient.inTransmission(served.socket);
                NbdClient other = NbdClient.inTransmission(served.socket)) {
            int strides = 12;
            begin(client, strides << 20, 28);
            for (int stride = 0; stride < strides; stride++) {
                Thread.sleep(250);
                client.write(ByteBuffer.allocate(1 << 20).position(1 << 20));
                assertThat(other.readAt(0, LARGEST)).hasSize(LARGEST);
            }
            assertThat(client.receive(0).error()).isZero();
        }
    }

    /** Sends as much as is taken; answers how much that is of each. */
    private static List<Integer> sendAllButOneByte(List<NbdClient> clients, NbdClient small)
            throws Exception {
        ByteBuffer payload = ByteBuffer.allocateDirect(LARGEST - 1);
        List<Integer> sent = new ArrayList<>(Collections.nCopies(clients.size(), 0));
        for (int idle = 0; idle < 20; idle++) {
            for (int index = 0; index < clients.size(); index++) {
                payload.position(sent.get(index));
                if (clients.get(index).channel.write(payload) > 0) {
                    idle = 0;
                }
                sent.set(index, payload.position());
            }
            // What fits into its own memory is served whatever others hold.
            small.writeAt(0, new byte[1 << 20]);
            Thread.sleep(5);
        }
        return sent;
    }

    @Test
    void aClientInLineForMemoryMayGo() throws Exception {
        try (Served served = served(Duration.ofSeconds(30));
                NbdClient one = NbdClient.inTransmission(served.socket);
                NbdClient two = NbdClient.inTransmission(served.socket);
                NbdClient last = NbdClient.inTransmission(served.socket)) {
            begin(one, LARGEST, 27 + LARGEST);
            begin(two, LARGEST, 27 + LARGEST);
            try (NbdClient waiting = NbdClient.inTransmission(served.socket)) {
                begin(waiting, LARGEST, 28);
                begin(last, LARGEST, 28);
            }
            one.channel.close();
            last.write(ByteBuffer.allocate(LARGEST).position(LARGEST));
            assertThat(last.receive(0).error()).isZero();
        }
    }

    @Test
    void aClientOfTcpIsAskedWhetherItIsStillThere() throws Exception {
        try (Served served = Served.of(folder, NbdOptions.defaults(), new MemoryTarget(1 << 20))) {
            int port = served.server.listen(new InetSocketAddress("127.0.0.1", 0));
            try (Socket client = new Socket("127.0.0.1", port)) {
                assertThat(client.getInputStream().readNBytes(18)).hasSize(18);
                String local = "0100007F:%04X".formatted(port);
                String remote = "0100007F:%04X".formatted(client.getLocalPort());
                String line =
                        Files.readAllLines(Path.of("/proc/net/tcp")).stream()
                                .filter(each -> each.contains(local + " " + remote))
                                .findAny()
                                .orElseThrow();
                // The timer of a connection: 2 is the one of keepalive.
                assertThat(line.strip().split("\\s+")[5]).startsWith("02:");
            }
        }
    }
}
