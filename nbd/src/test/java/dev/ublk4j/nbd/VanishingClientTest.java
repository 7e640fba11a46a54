package dev.ublk4j.nbd;

import static org.assertj.core.api.Assertions.assertThat;

import dev.ublk4j.nbd.wire.Command;
import dev.ublk4j.nbd.wire.Magic;
import dev.ublk4j.nbd.wire.Option;
import dev.ublk4j.targets.MemoryTarget;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Clients that go away, or stop, after every byte of what a client says. */
@Timeout(value = 5, unit = TimeUnit.MINUTES)
class VanishingClientTest {
    private static final int ROOM = 2;

    @TempDir Path folder;

    /** {@return all that a client says from its first byte to its last, without waiting} */
    private static byte[] conversation() {
        ByteBuffer said = ByteBuffer.allocate(1024);
        said.putInt(Magic.FIXED_NEWSTYLE | Magic.NO_ZEROES);
        ByteBuffer none = ByteBuffer.allocate(0);
        said.put(NbdClient.message(Option.STRUCTURED_REPLY, none).flip());
        said.put(
                NbdClient.message(
                                Option.SET_META_CONTEXT,
                                NbdClient.query("", "base:allocation").flip())
                        .flip());
        said.put(
                NbdClient.message(Option.GO, NbdClient.named("").putShort((short) 0).flip())
                        .flip());
        request(said, Command.WRITE, 5).put(new byte[5]);
        request(said, Command.READ, 4096);
        request(said, Command.BLOCK_STATUS, 4096);
        request(said, Command.FLUSH, 0);
        request(said, Command.DISC, 0);
        return Arrays.copyOf(said.array(), said.position());
    }

    private static ByteBuffer request(ByteBuffer said, int command, int length) {
        return said.putInt(Magic.REQUEST)
                .putShort((short) 0)
                .putShort((short) command)
                .putLong(command)
                .putLong(0)
                .putInt(length);
    }

    /** With room for two, a place that one does not give back is missed at the third. */
    @Test
    void givesItsPlaceBackAfterEveryByte() throws IOException {
        byte[] said = conversation();
        try (Served served =
                Served.of(
                        folder,
                        NbdOptions.defaults().withMaxConnections(ROOM),
                        new MemoryTarget(Served.SIZE))) {
            for (int bytes = 0; bytes <= said.length; bytes++) {
                try (NbdClient client = connected(served)) {
                    client.write(ByteBuffer.allocate(bytes).put(said, 0, bytes));
                }
            }
            try (NbdClient client = connected(served)) {
                client.write(ByteBuffer.allocate(said.length).put(said));
                assertThat(client.isEnded()).isTrue();
            }
        }
    }

    /** One that was there a moment ago may have its place still. */
    private static NbdClient connected(Served served) throws IOException {
        IOException last = new IOException();
        for (int tries = 0; tries < 10_000; tries++) {
            try {
                return NbdClient.connect(served.socket);
            } catch (IOException e) {
                last = e;
                Thread.onSpinWait();
            }
        }
        throw last;
    }

    /** The places are taken until patience with those that stopped is over. */
    @ParameterizedTest
    @ValueSource(ints = {0, 3, 4, 10, 20, 36, 60, 100, 116, 130})
    void thatStopsWithoutGoingIsNotWaitedFor(int bytes) throws IOException {
        byte[] said = conversation();
        try (Served served =
                Served.of(
                        folder,
                        NbdOptions.defaults()
                                .withMaxConnections(ROOM)
                                .withPatience(Duration.ofMillis(200)),
                        new MemoryTarget(Served.SIZE))) {
            for (int count = 0; count < ROOM; count++) {
                try (NbdClient client = connected(served)) {
                    client.write(ByteBuffer.allocate(bytes).put(said, 0, bytes));
                    assertThat(client.isEnded()).isTrue();
                }
            }
            try (NbdClient client = connected(served)) {
                assertThat(client.channel.isOpen()).isTrue();
            }
        }
    }
}
