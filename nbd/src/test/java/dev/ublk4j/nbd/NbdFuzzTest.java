package dev.ublk4j.nbd;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import dev.ublk4j.embedded.EmbeddedDriver;
import dev.ublk4j.exports.ExportedDevice;
import dev.ublk4j.nbd.wire.Command;
import dev.ublk4j.nbd.wire.Option;
import dev.ublk4j.server.DeviceOptions;
import dev.ublk4j.server.Target;
import java.io.EOFException;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Timeout;

/** Whatever a client sends is answered or ends its connection, and nothing else. */
@Timeout(value = 6, unit = TimeUnit.MINUTES) // when it fuzzes, which is for five by default
final class NbdFuzzTest {
    /** They live as long as the process, which calls the tests as often as it likes. */
    private static final NbdExport EXPORT = export();

    private static final Served SERVED = served();

    /** In transmission all the time. */
    private static final NbdClient OTHER = other();

    private static NbdExport export() {
        Target target = new StripedChanges(4096);
        ExportedDevice<QueueConnections> exported =
                ExportedDevice.start(
                        EmbeddedDriver.create(),
                        target,
                        DeviceOptions.defaults(),
                        true,
                        queue -> new QueueConnections(queue, Duration.ZERO));
        return new NbdExport(
                "disk",
                "a disk",
                exported,
                target,
                new PayloadMemory(NbdOptions.MIN_PAYLOADS),
                Threads.ofJdk());
    }

    private static Served served() {
        try {
            Path folder = Files.createTempDirectory("nbd-fuzz");
            folder.toFile().deleteOnExit();
            return Served.of(folder, NbdOptions.defaults(), new StripedChanges(4096));
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    private static NbdClient other() {
        try {
            return NbdClient.inTransmission(SERVED.socket);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    /** Says what it was made with, then goes. */
    private static final class Recited implements HandshakeStream {
        private final ByteBuffer said;
        private long heard;

        Recited(byte[] said) {
            this.said = ByteBuffer.wrap(said);
        }

        @Override
        public byte[] read(int bytes) throws IOException {
            if (said.remaining() < bytes) {
                throw new EOFException("it disconnected");
            }
            byte[] part = new byte[bytes];
            said.get(part);
            return part;
        }

        @Override
        public void write(byte[] bytes) {
            heard += bytes.length;
        }

        @Override
        public void startTls() {
            throw new AssertionError("there is no TLS");
        }
    }

    @FuzzTest
    void anythingCanBeSaidInAHandshake(byte[] data) {
        Recited stream = new Recited(data);
        try {
            Negotiated chosen = new Handshake(stream, Map.of("disk", EXPORT), Tls.off()).run();
            if (chosen != null) {
                assertThat(chosen.export()).isSameAs(EXPORT);
            }
        } catch (IOException e) {
            assertThat(e.getMessage()).isNotEmpty();
        }
        // Nobody gets much more than he gives.
        assertThat(stream.heard).isLessThan(1000 + 40L * data.length);
    }

    /**
     * A way into transmission.
     *
     * @param said by the client, in one piece
     * @param heard from the server
     */
    private record Opening(byte[] said, byte[] heard) {
        private static final List<Opening> ALL =
                List.of(of(), of(Option.STRUCTURED_REPLY), of(Option.EXTENDED_HEADERS));

        private static Opening of(int... replies) {
            ByteBuffer said = ByteBuffer.allocate(4096).putInt(3);
            for (int option : replies) {
                said.put(NbdClient.message(option, ByteBuffer.allocate(0)).flip());
                ByteBuffer query =
                        NbdClient.query("", "base:allocation", "qemu:dirty-bitmap:changes").flip();
                said.put(NbdClient.message(Option.SET_META_CONTEXT, query).flip());
            }
            ByteBuffer name = NbdClient.named("").putShort((short) 0).flip();
            said.put(NbdClient.message(Option.GO, name).flip());
            byte[] bytes = Arrays.copyOf(said.array(), said.position());
            return new Opening(bytes, answer(bytes, 1 << 16));
        }
    }

    /** Says something and no more, and hears the server out; answers so much of what it says. */
    private static byte[] answer(byte[] said, int most) {
        ByteBuffer heard = ByteBuffer.allocate(most + (1 << 16));
        try (SocketChannel channel =
                SocketChannel.open(UnixDomainSocketAddress.of(SERVED.socket))) {
            try {
                channel.write(ByteBuffer.wrap(said));
                channel.shutdownOutput();
            } catch (IOException e) {
                assertThat(e).as("it has ended the connection").hasMessage("Broken pipe");
            }
            try {
                while (channel.read(heard) >= 0) {
                    heard.position(Math.min(heard.position(), most));
                }
            } catch (IOException e) {
                assertThat(e).as("there was more than it took").hasMessage("Connection reset");
            }
        } catch (IOException e) {
            throw new AssertionError(e);
        }
        return Arrays.copyOf(heard.array(), heard.position());
    }

    @FuzzTest
    void anythingCanBeSentInTransmission(byte[] data) throws IOException {
        if (data.length == 0) {
            return;
        }
        Opening opening = Opening.ALL.get(Math.floorMod(data[0], Opening.ALL.size()));
        byte[] said = Arrays.copyOf(opening.said, opening.said.length + data.length - 1);
        System.arraycopy(data, 1, said, opening.said.length, data.length - 1);
        assertThat(answer(said, opening.heard.length))
                .as("what is heard before transmission")
                .isEqualTo(opening.heard);
        // Another is answered. With what is not sure: when a client fails, what it has asked for
        // before may still be under way.
        OTHER.writeAt(0, new byte[512]);
        assertThat(OTHER.readAt(0, 512)).hasSize(512);
        assertThat(OTHER.errorOf(Command.WRITE_ZEROES, 0, 0, Served.SIZE)).isZero();
    }
}
