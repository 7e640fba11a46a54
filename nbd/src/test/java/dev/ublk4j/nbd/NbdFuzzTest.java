package dev.ublk4j.nbd;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import dev.ublk4j.embedded.EmbeddedDriver;
import dev.ublk4j.nbd.wire.Command;
import dev.ublk4j.server.Device;
import dev.ublk4j.server.DeviceOptions;
import dev.ublk4j.targets.MemoryTarget;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
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

    private static NbdExport export() {
        EmbeddedDriver driver = EmbeddedDriver.create();
        MemoryTarget target = new MemoryTarget(1 << 20);
        Device device = Device.start(driver, target, DeviceOptions.defaults());
        return new NbdExport(
                "disk",
                "a disk",
                device,
                driver.openBlock(device.id()),
                target.allocation(),
                List.of());
    }

    private static Served served() {
        try {
            Path folder = Files.createTempDirectory("nbd-fuzz");
            folder.toFile().deleteOnExit();
            return Served.memory(folder);
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
                throw new EOFException("it has gone");
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

    @FuzzTest
    void anythingCanBeSentInTransmission(byte[] data) throws IOException {
        if (data.length == 0) {
            return;
        }
        try (NbdClient client = NbdClient.greeted(SERVED.socket)) {
            switch (data[0] % 3) {
                case 0 -> {}
                case 1 -> {
                    client.structured();
                    client.setAllocation();
                }
                default -> {
                    client.extended();
                    client.setAllocation();
                }
            }
            client.go("");
            try {
                client.write(ByteBuffer.allocate(data.length).put(data, 1, data.length - 1));
                client.channel.shutdownOutput();
            } catch (IOException e) {
                assertThat(e).as("it has ended the connection").isNotNull();
            }
            assertThat(client.isEnded()).isTrue();
        }
        try (NbdClient other = NbdClient.inTransmission(SERVED.socket)) {
            byte[] block = new byte[512];
            Arrays.fill(block, data[0]);
            other.writeAt(0, block);
            assertThat(other.readAt(0, 512)).isEqualTo(block);
            assertThat(other.errorOf(Command.WRITE_ZEROES, 0, 0, Served.SIZE)).isZero();
        }
    }
}
