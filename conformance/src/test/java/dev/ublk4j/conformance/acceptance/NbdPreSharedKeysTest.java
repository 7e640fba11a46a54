package dev.ublk4j.conformance.acceptance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.ublk4j.nbd.NbdOptions;
import dev.ublk4j.nbd.NbdTarget;
import dev.ublk4j.nbd.NbdUri;
import dev.ublk4j.nbd.Tls;
import dev.ublk4j.psk.PreSharedKeys;
import dev.ublk4j.targets.MemoryTarget;
import dev.ublk4j.testkit.TestBed;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Programs of GnuTLS and OpenSSL with the same key understand us, and we them. */
@Timeout(value = 5, unit = TimeUnit.MINUTES)
final class NbdPreSharedKeysTest {
    private static final int SIZE = 8 << 20;
    private static final String ALICES = "00112233445566778899aabbccddeeff".repeat(2);
    private static final String BOBS = "0F1E2D3C4B5A69788796A5B4C3D2E1F0";

    /** GnuTLS's name of a version, and what QEMU is to prefer. */
    private static final String PRIORITY = "NORMAL:-VERS-ALL:+VERS-TLS%s%s";

    @TempDir Path folder;
    private final List<Process> processes = new ArrayList<>();

    @BeforeAll
    @Timeout(value = 10, unit = TimeUnit.MINUTES)
    static void thereAreClients() throws Exception {
        NbdClients.require();
    }

    @BeforeEach
    void write() throws IOException {
        write("all", "alice:%s\nbob:%s\n".formatted(ALICES, BOBS));
        write("own", "bob:%s\n".formatted(BOBS));
        write("wrong", "bob:%s\n".formatted(ALICES));
        write("unknown", "carol:%s\n".formatted(BOBS));
    }

    /** A file of keys where QEMU looks for it. */
    private void write(String name, String keys) throws IOException {
        Files.createDirectory(folder.resolve(name));
        Files.writeString(folder.resolve(name).resolve("keys.psk"), keys);
    }

    @AfterEach
    void end() throws InterruptedException {
        for (Process process : processes) {
            process.destroyForcibly().waitFor();
        }
    }

    private PreSharedKeys keys(String name) throws IOException {
        return PreSharedKeys.read(folder.resolve(name).resolve("keys.psk"));
    }

    private NbdClients served() throws IOException {
        Tls tls = Tls.required(keys("all").ofServer());
        NbdClients served = new NbdClients(folder, NbdOptions.defaults().withTls(tls));
        served.export("", new MemoryTarget(SIZE), 2);
        return served;
    }

    private String uri(NbdClients served, String user, String keys) {
        return "'nbds+unix://%s@/?socket=%s&tls-psk-file=%s/%s/keys.psk'"
                .formatted(user, served.socket(), folder, keys);
    }

    private Path image() throws IOException {
        byte[] data = new byte[SIZE];
        new Random(1).nextBytes(data);
        return Files.write(folder.resolve("image"), data);
    }

    @Test
    void aCopyOfLibnbdIsTheSame() throws IOException {
        try (NbdClients served = served()) {
            Path image = image();
            String alices = uri(served, "alice", "all");
            String bobs = uri(served, "bob", "own");

            assertThat(Shell.run("nbdinfo " + bobs)).contains("with TLS");
            Shell.run("nbdcopy %s %s".formatted(image, alices));
            Shell.run("nbdcopy %s %s/back".formatted(bobs, folder));
            Shell.run("cmp %s %s/back".formatted(image, folder));
        }
    }

    @Test
    void libnbdIsRefusedWithoutTheKey() throws IOException {
        try (NbdClients served = served()) {
            assertThat(Shell.tryRun("nbdinfo " + uri(served, "bob", "wrong")).status()).isNotZero();
            assertThat(Shell.tryRun("nbdinfo " + uri(served, "carol", "unknown")).status())
                    .isNotZero();
            assertThat(Shell.tryRun("nbdinfo 'nbd+unix:///?socket=%s'".formatted(served.socket())))
                    .satisfies(outcome -> assertThat(outcome.status()).isNotZero());
            assertThat(Shell.run("nbdinfo --size " + uri(served, "bob", "own")).strip())
                    .isEqualTo(String.valueOf(SIZE));
        }
    }

    /** {@return an image that is an export, as QEMU's programs have it} */
    private String image(NbdClients served, String user, String keys, String priority) {
        return "--object tls-creds-psk,id=t,dir=%s/%s,endpoint=client,username=%s,priority=%s"
                        .formatted(folder, keys, user, priority)
                + " --image-opts driver=nbd,server.type=unix,server.path=%s,tls-creds=t"
                        .formatted(served.socket());
    }

    /** Priorities leave out what is not named: with and without elliptic curves. */
    @ParameterizedTest
    @CsvSource({"1.3, ''", "1.3, :-GROUP-X25519", "1.3, :-GROUP-ALL:+GROUP-FFDHE2048", "1.2, ''"})
    void qemuReadsAndWrites(String version, String more) throws IOException {
        String priority = PRIORITY.formatted(version, more);
        try (NbdClients served = served()) {
            String alices = image(served, "alice", "all", priority);
            assertThat(Shell.run("qemu-img info " + alices)).contains("8 MiB");
            Shell.run("qemu-io -c 'write -P 7 1M 3M' -c 'read -P 7 1M 3M' " + alices);
            for (String[] refused : new String[][] {{"bob", "wrong"}, {"carol", "unknown"}}) {
                String nobodys = image(served, refused[0], refused[1], priority);
                assertThat(Shell.tryRun("qemu-img info " + nobodys).status()).isNotZero();
            }
        }
    }

    private void serve(String command) throws Exception {
        Path socket = folder.resolve("other.sock");
        Process process =
                new ProcessBuilder("bash", "-c", "exec " + command)
                        .redirectErrorStream(true)
                        .redirectOutput(folder.resolve("said").toFile())
                        .start();
        processes.add(process);
        while (true) {
            assertThat(process.isAlive()).as(Files.readString(folder.resolve("said"))).isTrue();
            try (SocketChannel probe = SocketChannel.open(StandardProtocolFamily.UNIX)) {
                probe.connect(UnixDomainSocketAddress.of(socket));
                return;
            } catch (IOException e) {
                Thread.sleep(20);
            }
        }
    }

    private NbdTarget connect(String user, String keys) throws IOException {
        return NbdTarget.connect(
                NbdUri.parse("nbds+unix:///?socket=" + folder.resolve("other.sock")),
                keys(keys).ofClient(user),
                Duration.ofMinutes(1));
    }

    private void useAndBeRefused() throws IOException {
        byte[] some = new byte[1 << 20];
        new Random(2).nextBytes(some);
        try (TestBed bed = TestBed.of(connect("bob", "own"))) {
            bed.write(1 << 20, some);
            bed.flush();
            assertThat(bed.read(1 << 20, some.length)).isEqualTo(some);
        }
        assertThatThrownBy(() -> connect("bob", "wrong")).isInstanceOf(IOException.class);
        assertThatThrownBy(() -> connect("carol", "unknown")).isInstanceOf(IOException.class);
        try (TestBed bed = TestBed.of(connect("alice", "all"))) {
            assertThat(bed.read(1 << 20, some.length)).isEqualTo(some);
        }
    }

    @Test
    void nbdkitIsAServer() throws Exception {
        serve(
                "nbdkit -f -U %1$s/other.sock --tls=require --tls-psk=%1$s/all/keys.psk memory 8M"
                        .formatted(folder));
        useAndBeRefused();
    }

    @ParameterizedTest
    @ValueSource(strings = {"1.3", "1.2"})
    void qemuNbdIsAServer(String version) throws Exception {
        String priority = PRIORITY.formatted(version, "");
        serve(
                "qemu-nbd -f raw -t -e 8 -k %1$s/other.sock --tls-creds t %2$s --object"
                                .formatted(folder, image())
                        + " tls-creds-psk,id=t,dir=%s/all,endpoint=server,priority=%s"
                                .formatted(folder, priority));
        useAndBeRefused();
    }

    /** OpenSSL has other groups, and asks for new keys. */
    @ParameterizedTest
    @CsvSource({
        "alice, all, -tls1_3, TLS_AES_128_GCM_SHA256",
        "alice, all, -tls1_2 -cipher DHE-PSK-AES128-GCM-SHA256, DHE-PSK-AES128-GCM-SHA256",
        "alice, all, -tls1_3 -groups secp384r1:X448, TLS_AES_128_GCM_SHA256",
        "alice, wrong, -tls1_3, ''",
        "alice, wrong, -tls1_2 -cipher PSK, ''",
        "alice, all, -tls1_2 -cipher PSK-AES128-GCM-SHA256, ''",
    })
    void openSslTalksToAnEngineOfOurs(String user, String key, String more, String suite)
            throws Exception {
        assumeTrue(Shell.tryRun("python3 --version").status() == 0, "python3 is not installed");
        String hex = key.equals("wrong") ? BOBS : ALICES;
        try (NbdClients served = served()) {
            int port = served.listenOnTcp();
            Path proxy = folder.resolve("proxy.py");
            Files.writeString(
                    proxy,
                    """
                    import socket, subprocess, sys, threading
                    port, arguments = int(sys.argv[1]), sys.argv[2:]
                    def take(s, n):
                        data = b""
                        while len(data) < n:
                            more = s.recv(n - len(data))
                            if not more: sys.exit("it has ended")
                            data += more
                    def pump(a, b):
                        try:
                            while (some := a.recv(65536)): b.sendall(some)
                        except OSError: pass
                        for s in (a, b):
                            try: s.shutdown(socket.SHUT_RDWR)
                            except OSError: pass
                    server = socket.create_connection(("127.0.0.1", port))
                    take(server, 18)
                    server.sendall(b"\\0\\0\\0\\3IHAVEOPT\\0\\0\\0\\5\\0\\0\\0\\0")
                    take(server, 20)
                    listener = socket.create_server(("127.0.0.1", 0))
                    client = subprocess.Popen(["openssl", "s_client", "-connect",
                        "127.0.0.1:%d" % listener.getsockname()[1], *arguments],
                        stdin=subprocess.PIPE)
                    accepted = listener.accept()[0]
                    threading.Thread(target=pump, args=(accepted, server), daemon=True).start()
                    threading.Thread(target=pump, args=(server, accepted), daemon=True).start()
                    # New keys of its own, new keys of both, and an end.
                    import time
                    for line in (b"k\\n", b"K\\n", b"Q\\n"):
                        time.sleep(0.3)
                        try: client.stdin.write(line); client.stdin.flush()
                        except OSError: pass
                    client.wait()
                    """);
            Shell.Outcome outcome =
                    Shell.tryRun(
                            "python3 %s %d -psk_identity %s -psk %s %s"
                                    .formatted(proxy, port, user, hex, more));
            if (suite.isEmpty()) {
                assertThat(outcome.output()).containsIgnoringCase("alert");
            } else {
                assertThat(outcome.output())
                        .contains("Cipher is " + suite)
                        .doesNotContainIgnoringCase("alert");
            }
        }
    }
}
