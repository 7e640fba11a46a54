package dev.ublk4j.nbd;

import static org.assertj.core.api.Assertions.assertThat;

import dev.ublk4j.linux.Errno;
import dev.ublk4j.nbd.wire.Chunk;
import dev.ublk4j.nbd.wire.Command;
import dev.ublk4j.server.Geometry;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TransmissionTest {
    @TempDir Path folder;
    private Served served;

    @BeforeEach
    void serve() {
        served = Served.memory(folder);
    }

    @AfterEach
    void end() {
        served.close();
    }

    private NbdClient client() throws IOException {
        return NbdClient.inTransmission(served.socket);
    }

    private static byte[] random(int length, long seed) {
        byte[] data = new byte[length];
        new Random(seed).nextBytes(data);
        return data;
    }

    @ParameterizedTest
    @ValueSource(ints = {512, 4096, 16384, 100 * 512, 1 << 20, 5 << 20})
    void whatIsWrittenIsReadInEveryFormOfReply(int length) throws IOException {
        byte[] data = random(length, length);
        try (NbdClient simple = NbdClient.greeted(served.socket);
                NbdClient structured = client();
                NbdClient extended = NbdClient.greeted(served.socket)) {
            simple.go("");
            extended.extended();
            extended.go("");

            extended.writeAt(4096, data);
            assertThat(simple.readAt(4096, length)).isEqualTo(data);
            assertThat(structured.readAt(4096, length)).isEqualTo(data);
            simple.writeAt(8192, data);
            assertThat(extended.readAt(8192, length)).isEqualTo(data);
        }
    }

    @Test
    void aLargestPayloadIsTakenAndALargerOneEndsTheConnection() throws IOException {
        try (NbdClient client = client()) {
            // Beyond the end, but the protocol has the payload read all the same.
            assertThat(client.errorOf(Command.WRITE, 0, 512, 32 << 20, new byte[32 << 20]))
                    .isEqualTo(Errno.ENOSPC.number());
            assertThat(client.readAt(0, 512)).containsOnly(0);
            client.send(Command.WRITE, 0, 0, (32 << 20) + 1);
            assertThat(client.isEnded()).isTrue();
        }
    }

    @Test
    void requestsOfAConnectionAreUnderWayTogether() throws IOException {
        try (NbdClient client = client()) {
            int count = 600;
            for (int index = 0; index < count; index++) {
                client.send(Command.WRITE, 0, index * 512L, 512, random(512, index));
            }
            Set<Long> cookies = new HashSet<>();
            for (int index = 0; index < count; index++) {
                NbdClient.Chunk answer = client.receive(0);
                assertThat(answer.error()).isZero();
                cookies.add(answer.cookie());
            }
            assertThat(cookies).hasSize(count);
            for (int index = 0; index < count; index++) {
                assertThat(client.readAt(index * 512L, 512)).isEqualTo(random(512, index));
            }
        }
    }

    @Test
    void dataOfRequestsIsSharedWithTheDevice() throws IOException {
        try (NbdClient client = client()) {
            client.writeAt(0, random(4096, 1));
            client.readAt(0, 4096);
        }
        assertThat(served.devices.getFirst().counters().sharedRequests())
                .as("%s", served.devices.getFirst().counters())
                .isEqualTo(2);
    }

    @Test
    void writesOfPartsOfBlocksKeepTheRest() throws Exception {
        int size = 64 << 10;
        byte[] model = random(size, 7);
        Random random = new Random(8);
        try (NbdClient client = client()) {
            client.writeAt(0, model);
            for (int count = 0; count < 300; count++) {
                int offset = random.nextInt(size - 1);
                int length = 1 + random.nextInt(Math.min(3000, size - offset));
                if (random.nextBoolean()) {
                    byte[] data = random(length, count);
                    client.writeAt(offset, data);
                    System.arraycopy(data, 0, model, offset, length);
                } else {
                    assertThat(client.errorOf(Command.WRITE_ZEROES, 0, offset, length)).isZero();
                    Arrays.fill(model, offset, offset + length, (byte) 0);
                }
                int from = random.nextInt(size - 1);
                int bytes = 1 + random.nextInt(size - from);
                assertThat(client.readAt(from, bytes))
                        .isEqualTo(Arrays.copyOfRange(model, from, from + bytes));
            }
        }
    }

    @Test
    void writesToPartsOfOneBlockByTwoClientsBothStay() throws IOException {
        try (NbdClient one = client();
                NbdClient other = client()) {
            int rounds = 400;
            for (int round = 0; round < rounds; round++) {
                one.send(Command.WRITE, 0, 0, 256, random(256, round));
                other.send(Command.WRITE, 0, 256, 256, random(256, -round));
            }
            for (int round = 0; round < rounds; round++) {
                assertThat(one.receive(0).error()).isZero();
                assertThat(other.receive(0).error()).isZero();
            }
            one.writeAt(0, random(256, 1000));
            assertThat(one.readAt(0, 256)).isEqualTo(random(256, 1000));
            other.writeAt(256, random(256, 1001));
            assertThat(one.readAt(0, 256)).isEqualTo(random(256, 1000));
        }
    }

    @Test
    void zeroesAreWrittenAndTrimmedPartsAreHoles() throws IOException {
        try (NbdClient client = client()) {
            client.writeAt(0, random(64 << 10, 3));
            for (int flags :
                    new int[] {
                        0,
                        Command.FLAG_FUA,
                        Command.FLAG_NO_HOLE,
                        Command.FLAG_FAST_ZERO,
                        Command.FLAG_FUA | Command.FLAG_NO_HOLE | Command.FLAG_FAST_ZERO
                    }) {
                client.writeAt(4096, random(8192, flags));
                assertThat(client.errorOf(Command.WRITE_ZEROES, flags, 4096, 8192)).isZero();
                assertThat(client.readAt(4096, 8192)).containsOnly(0);
            }
            assertThat(client.errorOf(Command.TRIM, 0, 32 << 10, 16 << 10)).isZero();
            assertThat(client.errorOf(Command.TRIM, Command.FLAG_FUA, (32 << 10) + 1, 9000))
                    .isZero();
            assertThat(client.errorOf(Command.FLUSH, 0, 0, 0)).isZero();
            assertThat(client.errorOf(Command.WRITE, Command.FLAG_FUA, 0, 512, random(512, 1)))
                    .isZero();
        }
    }

    @Test
    void theBlockStatusTellsDataFromHoles() throws IOException {
        try (NbdClient client = client()) {
            client.writeAt(1 << 20, random(4096, 1));
            client.send(Command.BLOCK_STATUS, 0, 0, 4 << 20);
            NbdClient.Chunk chunk = client.receive(0);
            assertThat(chunk.type()).isEqualTo(Chunk.BLOCK_STATUS);
            ByteBuffer data = chunk.data();
            assertThat(data.getInt()).isEqualTo(1);
            assertThat(data.getInt()).isEqualTo(1 << 20);
            assertThat(data.getInt()).isEqualTo(3);
            assertThat(data.getInt()).isEqualTo(4096);
            assertThat(data.getInt()).isZero();
            assertThat(data.getInt()).isEqualTo((3 << 20) - 4096);
            assertThat(data.getInt()).isEqualTo(3);

            client.send(Command.BLOCK_STATUS, Command.FLAG_REQ_ONE, 0, 4 << 20);
            assertThat(client.receive(0).data().remaining()).isEqualTo(12);
        }
    }

    @Test
    void theBlockStatusOfExtendedHeadersHasItsOwnForm() throws IOException {
        try (NbdClient client = NbdClient.greeted(served.socket)) {
            client.extended();
            client.setAllocation();
            client.go("");
            client.send(Command.BLOCK_STATUS, 0, 4096, 1 << 20);
            NbdClient.Chunk chunk = client.receive(0);
            assertThat(chunk.type()).isEqualTo(Chunk.BLOCK_STATUS_EXT);
            assertThat(chunk.offset()).isEqualTo(4096);
            ByteBuffer data = chunk.data();
            assertThat(data.getInt()).isEqualTo(1);
            assertThat(data.getInt()).isEqualTo(1);
            assertThat(data.getLong()).isEqualTo(1 << 20);
            assertThat(data.getLong()).isEqualTo(3);
            assertThat(client.errorOf(Command.TRIM, 0, 0, Served.SIZE)).isZero();
            assertThat(client.errorOf(Command.TRIM, 0, 0, 1L << 40))
                    .isEqualTo(Errno.EINVAL.number());
        }
    }

    @Test
    void whatCannotBeMeantIsRefusedAndTheConnectionGoesOn() throws IOException {
        int invalid = Errno.EINVAL.number();
        try (NbdClient client = client()) {
            assertThat(client.errorOf(Command.READ, 0, Served.SIZE, 512)).isEqualTo(invalid);
            assertThat(client.errorOf(Command.READ, 0, -512, 1024)).isEqualTo(invalid);
            assertThat(client.errorOf(Command.READ, 0, Long.MAX_VALUE, 0x7fff_ffff))
                    .isEqualTo(invalid);
            assertThat(client.errorOf(Command.READ, 0, 0, 0)).isEqualTo(invalid);
            assertThat(client.errorOf(Command.READ, Command.FLAG_REQ_ONE, 0, 512))
                    .isEqualTo(invalid);
            assertThat(client.errorOf(Command.READ, 0x8000, 0, 512)).isEqualTo(invalid);
            assertThat(client.errorOf(99, 0, 0, 512)).isEqualTo(invalid);
            assertThat(client.errorOf(Command.CACHE, 0, 0, 512)).isEqualTo(invalid);
            assertThat(client.errorOf(Command.WRITE, 0, Served.SIZE - 512, 1024, new byte[1024]))
                    .isEqualTo(Errno.ENOSPC.number());
            assertThat(client.errorOf(Command.WRITE_ZEROES, 0, 1, 0xffff_ffffL))
                    .isEqualTo(Errno.ENOSPC.number());
            assertThat(client.readAt(Served.SIZE - 512, 512)).hasSize(512);
        }
    }

    @Test
    void aReadOnlyDeviceIsNotWrittenTo() throws IOException {
        served.close();
        served =
                Served.of(
                        folder,
                        NbdOptions.defaults(),
                        new ReadOnly(Geometry.ofSize(1 << 20).asReadOnly()));
        try (NbdClient client = client()) {
            for (int command : new int[] {Command.TRIM, Command.WRITE_ZEROES}) {
                assertThat(client.errorOf(command, 0, 0, 512)).isEqualTo(Errno.EPERM.number());
            }
            assertThat(client.errorOf(Command.WRITE, 0, 0, 512, new byte[512]))
                    .isEqualTo(Errno.EPERM.number());
            assertThat(client.readAt(0, 512)).hasSize(512);
        }
    }

    @Test
    void whatIsNoRequestEndsTheConnectionAndNoOther() throws IOException {
        try (NbdClient good = client();
                NbdClient bad = client()) {
            bad.write(ByteBuffer.allocate(28).put(random(28, 1)));
            assertThat(bad.isEnded()).isTrue();
            assertThat(good.readAt(0, 512)).containsOnly(0);
        }
    }

    @Test
    void clientsMayGoInTheMiddleOfAnything() throws IOException {
        for (int sent : new int[] {0, 1, 27, 28, 100, 100_000}) {
            try (NbdClient client = client()) {
                ByteBuffer message = ByteBuffer.allocate(28 + (1 << 20));
                message.putInt(0x2560_9513).putShort((short) 0).putShort((short) Command.WRITE);
                message.putLong(1).putLong(0).putInt(1 << 20);
                message.position(sent);
                client.write(message);
            }
        }
        try (NbdClient deaf = client()) {
            for (int count = 0; count < 64; count++) {
                deaf.send(Command.READ, 0, 0, 1 << 20);
            }
        }
        try (NbdClient client = client()) {
            assertThat(client.readAt(0, 512)).containsOnly(0);
        }
    }

    @Test
    void aClientThatDoesNotReadKeepsNobodyElseWaiting() throws IOException {
        try (NbdClient deaf = client();
                NbdClient client = client()) {
            for (int count = 0; count < 200; count++) {
                deaf.send(Command.READ, 0, 0, 1 << 20);
            }
            for (int count = 0; count < 100; count++) {
                assertThat(client.readAt(0, 4096)).containsOnly(0);
            }
        }
    }

    @Test
    void whoSaysThatItGoesIsAnsweredFirst() throws IOException {
        try (NbdClient client = client()) {
            client.send(Command.READ, 0, 0, 1 << 20);
            client.send(Command.DISC, 0, 0, 0);
            assertThat(client.receive(0).error()).isZero();
            assertThat(client.isEnded()).isTrue();
        }
    }

    @Test
    void theServerEndsWhileClientsAreBusy() throws IOException {
        try (NbdClient client = client()) {
            for (int count = 0; count < 100; count++) {
                client.send(Command.READ, 0, 0, 1 << 20);
            }
            served.close();
            assertThat(client.isEnded()).isTrue();
        }
    }

    @Test
    void theServerEndsWhileClientsCome() throws Exception {
        for (int round = 0; round < 10; round++) {
            List<Thread> clients = new ArrayList<>();
            CountDownLatch inside = new CountDownLatch(3);
            for (int count = 0; count < 6; count++) {
                clients.add(Thread.ofVirtual().start(() -> comeAndGo(inside)));
            }
            assertThat(inside.await(4, TimeUnit.MINUTES)).isTrue();
            // Neither this nor the end of the devices may wait for a client that was turned away.
            served.close();
            for (Thread client : clients) {
                assertThat(client.join(Duration.ofMinutes(4))).isTrue();
            }
            served = Served.memory(folder);
        }
    }

    private void comeAndGo(CountDownLatch inside) {
        try {
            while (true) {
                try (NbdClient client = client()) {
                    client.readAt(0, 512);
                    inside.countDown();
                }
            }
        } catch (IOException e) {
            // The server has ended.
        }
    }

    @Test
    void aDeviceThatStopsEndsItsConnections() throws IOException {
        try (NbdClient client = client()) {
            served.devices.getFirst().stop();
            assertThat(client.isEnded()).isTrue();
        }
    }
}
