package dev.ublk4j.nbd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.ublk4j.psk.PreSharedKeys;
import dev.ublk4j.server.Target;
import dev.ublk4j.targets.MemoryTarget;
import dev.ublk4j.testkit.Exerciser;
import dev.ublk4j.testkit.TestBed;
import dev.ublk4j.trials.Leaks;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Our client and our server with pre-shared keys, and who has none. */
@Timeout(value = 5, unit = TimeUnit.MINUTES)
class PreSharedKeyTest {
    private static final byte[] KEY = key(1);
    private static final Duration PATIENCE = Duration.ofMinutes(1);
    private static final PreSharedKeys KEYS = PreSharedKeys.of(Map.of("alice", KEY, "bob", key(2)));

    @TempDir Path folder;

    private static byte[] key(int seed) {
        byte[] key = new byte[32];
        new Random(seed).nextBytes(key);
        return key;
    }

    private Served served(NbdOptions options) {
        return Served.of(folder, options, new MemoryTarget(Served.SIZE));
    }

    private static NbdOptions required() {
        return NbdOptions.defaults().withTls(Tls.required(KEYS.ofServer()));
    }

    private static SSLContext client(String user, byte[] key) {
        return PreSharedKeys.of(Map.of(user, key)).ofClient(user);
    }

    private Target connect(String scheme, SSLContext context) throws IOException {
        String uri = "%s+unix:///?socket=%s/nbd.sock".formatted(scheme, folder);
        return NbdTarget.connect(NbdUri.parse(uri), context, PATIENCE);
    }

    private Target connectAsAlice() {
        try {
            return connect("nbds", client("alice", KEY));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Test
    void anExportIsADiskForWhoHasAKey() {
        try (Served _ = served(required())) {
            Exerciser.of(this::connectAsAlice)
                    .withOptions(TestBed.options().withQueues(2).withDepth(8))
                    .withRestarts()
                    .run();
        }
    }

    @Test
    void whoHasAnotherKeyOrNoneIsRefused() throws Exception {
        try (Served _ = served(required())) {
            assertThatThrownBy(() -> connect("nbds", client("alice", key(2))))
                    .isInstanceOf(SSLException.class)
                    .hasMessage("the server knows no user 'alice', or another key of his");
            assertThatThrownBy(() -> connect("nbds", client("carol", KEY)))
                    .isInstanceOf(SSLException.class)
                    .hasMessage("the server knows no user 'carol', or another key of his");
            assertThatThrownBy(() -> connect("nbds", SSLContext.getDefault()))
                    .isInstanceOf(SSLException.class);
            assertThatThrownBy(() -> connect("nbd", client("alice", KEY)))
                    .isInstanceOf(NbdRefusedException.class)
                    .hasMessageContaining("requires TLS");
            try (Target bobs = connect("nbds", client("bob", key(2)))) {
                assertThat(bobs.geometry().size()).isEqualTo(Served.SIZE);
            }
        }
    }

    @Test
    void whereTlsIsOfferedWhoHasNoKeyComesWithoutIt() throws Exception {
        NbdOptions offered = NbdOptions.defaults().withTls(Tls.offered(KEYS.ofServer()));
        try (Served _ = served(offered);
                Target plain = connect("nbd", client("alice", KEY));
                Target encrypted = connect("nbds", client("alice", KEY))) {
            assertThat(plain.geometry().size()).isEqualTo(encrypted.geometry().size());
            assertThatThrownBy(() -> connect("nbds", client("alice", key(2))))
                    .isInstanceOf(SSLException.class);
        }
    }

    @Test
    void aServerWithoutTlsIsNotTalkedTo() {
        try (Served _ = served(NbdOptions.defaults())) {
            assertThatThrownBy(() -> connect("nbds", client("alice", KEY)))
                    .isInstanceOf(NbdRefusedException.class)
                    .hasMessageContaining("does not offer TLS");
        }
    }

    /** {@return a client that may begin to shake hands} */
    private SocketChannel greeted() throws IOException {
        SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX);
        channel.connect(UnixDomainSocketAddress.of(folder.resolve("nbd.sock")));
        read(channel, 18);
        ByteBuffer ask = ByteBuffer.allocate(20).putInt(3).put("IHAVEOPT".getBytes());
        channel.write(ask.putInt(5).putInt(0).flip());
        read(channel, 20);
        return channel;
    }

    private static void read(SocketChannel channel, int bytes) throws IOException {
        ByteBuffer all = ByteBuffer.allocate(bytes);
        while (all.hasRemaining() && channel.read(all) >= 0) {
            // Until it is there.
        }
        assertThat(all.hasRemaining()).isFalse();
    }

    private static boolean isEnded(SocketChannel channel) {
        try {
            ByteBuffer any = ByteBuffer.allocate(1 << 16);
            while (channel.read(any.clear()) >= 0) {
                // What it has to say before its end.
            }
            return true;
        } catch (IOException e) {
            return true;
        }
    }

    private static byte[] hello() throws SSLException {
        SSLEngine engine = client("alice", KEY).createSSLEngine();
        engine.setUseClientMode(true);
        engine.beginHandshake();
        ByteBuffer out = ByteBuffer.allocate(1 << 16);
        engine.wrap(ByteBuffer.allocate(0), out);
        return Arrays.copyOf(out.array(), out.position());
    }

    /** Without the end of its hello, and without its answer to the server's. */
    @ParameterizedTest
    @ValueSource(ints = {0, 1, 5, 100, 1 << 16})
    void whoStopsInTheHandshakeIsNotWaitedFor(int bytes) throws Exception {
        byte[] hello = hello();
        NbdOptions options = required().withPatience(Duration.ofMillis(400)).withMaxConnections(2);
        try (Served _ = served(options)) {
            for (int i = 0; i < 4; i++) {
                try (SocketChannel channel = greeted()) {
                    channel.write(ByteBuffer.wrap(hello, 0, Math.min(bytes, hello.length)));
                    assertThat(isEnded(channel)).isTrue();
                }
            }
        }
    }

    @Test
    void aRecordTooLargeToBeOneIsNotWaitedFor() throws Exception {
        try (Served _ = served(required().withPatience(PATIENCE));
                SocketChannel channel = greeted()) {
            channel.write(ByteBuffer.wrap(new byte[] {22, 3, 1, (byte) 0xff, (byte) 0xff}));
            assertThat(isEnded(channel)).isTrue();
        }
    }

    @Test
    void nothingIsLeftOfClientsThatVanish() throws Exception {
        vanish(1);
        try (Leaks _ = Leaks.watch()) {
            vanish(20);
        }
        awaitNoThreads();
    }

    private void vanish(int times) throws Exception {
        byte[] hello = hello();
        try (Served _ = served(required())) {
            for (int i = 0; i < times; i++) {
                try (SocketChannel channel = greeted()) {
                    channel.write(ByteBuffer.wrap(hello, 0, i * hello.length / times));
                }
                connectAsAlice().close();
                assertThatThrownBy(() -> connect("nbds", client("alice", key(2))))
                        .isInstanceOf(SSLException.class);
            }
        }
    }

    private static void awaitNoThreads() throws InterruptedException {
        List<String> names = tlsThreads();
        for (int i = 0; i < 500 && !names.isEmpty(); i++) {
            Thread.sleep(10);
            names = tlsThreads();
        }
        assertThat(names).isEmpty();
    }

    private static List<String> tlsThreads() {
        return Thread.getAllStackTraces().keySet().stream()
                .map(Thread::getName)
                .filter(name -> name.startsWith("nbd-"))
                .toList();
    }
}
