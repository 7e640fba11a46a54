package dev.ublk4j.nbd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.server.Target;
import dev.ublk4j.targets.MemoryTarget;
import dev.ublk4j.testkit.Exerciser;
import dev.ublk4j.testkit.TestBed;
import dev.ublk4j.trials.Leaks;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** The client, with our own server, with others, and with servers that lie. */
@Timeout(300)
class NbdTargetTest {
    private static final int SIZE = 1 << 20;
    private static final Duration PATIENCE = Duration.ofMinutes(1);

    @TempDir Path folder;

    private final List<Process> processes = new ArrayList<>();

    @AfterEach
    void end() throws InterruptedException {
        for (Process process : processes) {
            process.destroyForcibly().waitFor();
        }
    }

    private NbdUri uri(String export) {
        return NbdUri.parse("nbd+unix:///%s?socket=%s/nbd.sock".formatted(export, folder));
    }

    private Target connect() {
        return connect(PATIENCE);
    }

    private Target connect(Duration patience) {
        try {
            return NbdTarget.connect(uri(""), null, patience);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Test
    void anExportOfOursIsADisk() {
        try (Served _ = Served.of(folder, NbdOptions.defaults(), new MemoryTarget(SIZE))) {
            Exerciser.of(this::connect).withRestarts().run();
        }
    }

    @Test
    void eachQueueHasItsConnection() {
        try (Served _ = Served.of(folder, NbdOptions.defaults(), new MemoryTarget(SIZE))) {
            Exerciser.of(this::connect)
                    .withOptions(TestBed.options().withQueues(3).withDepth(8))
                    .withRounds(4)
                    .run();
        }
    }

    @Test
    void nothingIsLeftOfWhatIsClosedAtOnce() {
        closeAtOnce(1);
        try (Leaks _ = Leaks.watch()) {
            closeAtOnce(100);
        }
    }

    private void closeAtOnce(int times) {
        try (Served _ = Served.memory(folder)) {
            for (int i = 0; i < times; i++) {
                connect().close();
            }
        }
    }

    private void serve(String... command) throws Exception {
        boolean isThere =
                Arrays.stream(System.getenv("PATH").split(":"))
                        .anyMatch(each -> Files.isExecutable(Path.of(each, command[0])));
        assumeTrue(isThere, command[0] + " is not installed");
        Files.deleteIfExists(folder.resolve("nbd.sock"));
        processes.add(new ProcessBuilder(command).inheritIO().start());
        while (true) {
            assertThat(processes.getLast().isAlive()).as(command[0] + " runs").isTrue();
            try (SocketChannel probe = SocketChannel.open(StandardProtocolFamily.UNIX)) {
                probe.connect(UnixDomainSocketAddress.of(folder.resolve("nbd.sock")));
                return;
            } catch (IOException e) {
                Thread.sleep(20);
            }
        }
    }

    @ParameterizedTest
    @CsvSource({
        "'memory 1M'",
        "'--filter=blocksize-policy memory 1M blocksize-minimum=4096 blocksize-error-policy=error'",
        "'--filter=nozero memory 1M'",
        "'--filter=fua memory 1M fuamode=emulate'",
        "'--no-sr memory 1M'",
        "'--filter=multi-conn memory 1M multi-conn-mode=disable'",
    })
    void anExportOfNbdkitIsADisk(String words) throws Exception {
        List<String> command =
                new ArrayList<>(List.of("nbdkit", "-f", "-U", folder.resolve("nbd.sock") + ""));
        command.addAll(List.of(words.split(" ")));
        serve(command.toArray(String[]::new));
        Exerciser.of(this::connect).withRounds(4).run();
    }

    private Path image() throws IOException {
        Path image = folder.resolve("disk.img");
        try (RandomAccessFile file = new RandomAccessFile(image.toFile(), "rw")) {
            file.setLength(SIZE);
        }
        return image;
    }

    private void qemu(Path image) throws Exception {
        String socket = folder.resolve("nbd.sock").toString();
        serve(
                "qemu-nbd",
                "-f",
                "raw",
                "-t",
                "-e",
                "4",
                "--discard=unmap",
                "-k",
                socket,
                image + "");
    }

    @Test
    void anExportOfQemuIsADisk() throws Exception {
        qemu(image());
        Exerciser.of(this::connect).withRestarts().withRounds(4).run();
    }

    @Test
    void requestsGoOnWhereAServerIsKilledAndComesBack() throws Exception {
        Path image = image();
        qemu(image);
        byte[] expected = new byte[SIZE];
        Random random = new Random(1);
        try (TestBed bed = TestBed.of(connect())) {
            for (int round = 0; round < 4; round++) {
                for (int i = 0; i < 20; i++) {
                    byte[] some = new byte[4096];
                    random.nextBytes(some);
                    int at = random.nextInt(SIZE / 4096) * 4096;
                    bed.write(at, some);
                    System.arraycopy(some, 0, expected, at, some.length);
                    if (i == 10) {
                        processes.removeLast().destroyForcibly().waitFor();
                        Thread _ =
                                Thread.ofVirtual()
                                        .start(() -> {
                                            try {
                                                qemu(image);
                                            } catch (Exception e) {
                                                throw new AssertionError(e);
                                            }
                                        });
                    }
                }
                assertThat(bed.read(0, SIZE)).isEqualTo(expected);
            }
        }
    }

    @Test
    void aServerThatStaysAwayFailsRequestsAfterSomeTime() throws Exception {
        qemu(image());
        try (TestBed bed = TestBed.of(connect(Duration.ofSeconds(1)))) {
            bed.write(0, new byte[4096]);
            processes.removeLast().destroyForcibly().waitFor();
            assertThatThrownBy(() -> bed.read(0, 4096))
                    .isInstanceOfSatisfying(
                            LinuxException.class, e -> assertThat(e.errno()).isEqualTo(Errno.EIO));
            qemu(image());
            assertThat(bed.read(0, 4096)).isEqualTo(new byte[4096]);
        }
    }

    @Test
    void whatIsRefusedIsSaidInOneLine() {
        try (Served _ = Served.memory(folder)) {
            assertThatThrownBy(() -> NbdTarget.connect(uri("other"), null, PATIENCE))
                    .isInstanceOf(NbdRefusedException.class)
                    .hasMessageContaining("has no export 'other'");
            NbdUri secret = NbdUri.parse("nbds+unix:///?socket=" + folder.resolve("nbd.sock"));
            assertThatThrownBy(() -> NbdTarget.connect(secret, null, PATIENCE))
                    .hasMessageContaining("needs certificates");
        }
        assertThatThrownBy(this::connect).isInstanceOf(LinuxException.class);
    }

    @ParameterizedTest
    @CsvSource({
        "nbd://host, host, 10809, ''",
        "nbd://host:1/name, host, 1, name",
        "nbds://[::1]:2/a%20b, ::1, 2, a b",
        "nbd://host//x, host, 10809, /x",
    })
    void aUriSaysWhereAnExportIs(String text, String host, int port, String export) {
        NbdUri uri = NbdUri.parse(text);
        assertThat(uri.host()).isEqualTo(host);
        assertThat(uri.port()).isEqualTo(port);
        assertThat(uri.export()).isEqualTo(export);
        assertThat(uri.tls()).isEqualTo(text.startsWith("nbds"));
    }

    @ParameterizedTest
    @CsvSource({
        "nbds://host/x, , ",
        "nbds://alice@host:1/x, alice, ",
        "nbds://a%40b@host/x?tls-psk-file=/k%20y+, a@b, /k y+",
        "nbds://alice@[::1]/?a=b&tls-psk-file=keys.psk, alice, keys.psk",
        "nbds+unix://alice@/x?socket=/s&tls-psk-file=/k, alice, /k",
        "nbds+unix://alice@host/x?socket=/s, alice, ",
        "nbds+unix:///x?socket=/s, , ",
    })
    void aUriSaysWhoseKeyToUse(String text, @Nullable String user, @Nullable Path file) {
        NbdUri uri = NbdUri.parse(text);
        assertThat(uri.user()).isEqualTo(user);
        assertThat(uri.pskFile()).isEqualTo(file);
    }

    @Test
    void aKeyIsNeitherInAUriNorForOneWithoutTls() {
        assertThatThrownBy(() -> NbdUri.parse("nbds://alice:secret@host/x"))
                .isInstanceOf(IllegalArgumentException.class)
                .message()
                .contains("a pre-shared key is in a file")
                .doesNotContain("secret");
        assertThatThrownBy(() -> NbdUri.parse("nbd://alice@host/x?tls-psk-file=/k"))
                .hasMessageContaining("is for nbds");
    }

    @ParameterizedTest
    @CsvSource({"http://host", "nbd://", "nbd://host:99999", "nbd+unix:///x", "disk.img", "nbd:"})
    void whatIsNoUriIsRefused(String text) {
        assertThatThrownBy(() -> NbdUri.parse(text))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining(text);
    }

    /** What a server that lies does when it is asked to read. */
    private enum Lie {
        UNKNOWN_COOKIE,
        NO_REPLY,
        NO_MAGIC,
        STRUCTURED_THAT_WAS_NOT_ASKED_FOR,
        CUT_OFF
    }

    /** Serves 1 MiB, and lies to each read of the first sessions. */
    private ServerSocketChannel liar(Lie lie, AtomicInteger lies) throws IOException {
        ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        server.bind(UnixDomainSocketAddress.of(folder.resolve("nbd.sock")));
        Thread _ =
                Thread.ofPlatform()
                        .daemon()
                        .start(() -> {
                            while (server.isOpen()) {
                                try (SocketChannel client = server.accept()) {
                                    talk(client, lie, lies);
                                } catch (IOException e) {
                                    // The next client.
                                }
                            }
                        });
        return server;
    }

    private static ByteBuffer read(SocketChannel client, int bytes) throws IOException {
        ByteBuffer all = ByteBuffer.allocate(bytes);
        while (all.hasRemaining()) {
            if (client.read(all) < 0) {
                throw new IOException("gone");
            }
        }
        return all.flip();
    }

    private static void send(SocketChannel client, ByteBuffer bytes) throws IOException {
        bytes.flip();
        while (bytes.hasRemaining()) {
            client.write(bytes);
        }
    }

    private static void talk(SocketChannel client, Lie lie, AtomicInteger lies) throws IOException {
        send(
                client,
                ByteBuffer.allocate(18)
                        .putLong(0x4e42_444d_4147_4943L)
                        .putLong(0x4948_4156_454f_5054L)
                        .putShort((short) 3));
        read(client, 4);
        while (true) {
            ByteBuffer option = read(client, 16);
            int number = option.getInt(8);
            read(client, option.getInt(12));
            if (number == 1) {
                send(client, ByteBuffer.allocate(10).putLong(SIZE).putShort((short) 1));
                break;
            }
            send(
                    client,
                    ByteBuffer.allocate(20)
                            .putLong(0x0003_e889_0455_65a9L)
                            .putInt(number)
                            .putInt(0x8000_0001)
                            .putInt(0));
        }
        while (true) {
            ByteBuffer request = read(client, 28);
            if (request.getShort(6) != 0) {
                return;
            }
            ByteBuffer reply = ByteBuffer.allocate(16).putInt(0x6744_6698).putInt(0);
            if (lies.getAndDecrement() > 0) {
                switch (lie) {
                    case UNKNOWN_COOKIE -> send(client, reply.putLong(~request.getLong(8)));
                    case NO_MAGIC -> send(client, reply.putInt(0, 7).putLong(0));
                    case STRUCTURED_THAT_WAS_NOT_ASKED_FOR ->
                            send(client, reply.putInt(0, 0x668e_33ef).putLong(0));
                    case CUT_OFF -> {
                        send(client, reply.putLong(request.getLong(8)));
                        send(client, ByteBuffer.allocate(100).position(100));
                        return;
                    }
                    case NO_REPLY -> {}
                }
                continue;
            }
            int length = request.getInt(24);
            send(client, reply.putLong(request.getLong(8)));
            send(client, ByteBuffer.allocate(length).position(length));
        }
    }

    @ParameterizedTest
    @EnumSource
    void aServerThatLiesLosesItsConnectionAndNothingElse(Lie lie) throws IOException {
        // A request waits for two sessions, and no longer.
        AtomicInteger lies = new AtomicInteger(lie == Lie.NO_REPLY ? 1 : 2);
        try (ServerSocketChannel _ = liar(lie, lies);
                TestBed bed = TestBed.of(connect(Duration.ofSeconds(8)))) {
            assertThat(bed.read(0, 4096)).isEqualTo(new byte[4096]);
            assertThat(lies.get()).isNegative();
        }
    }
}
