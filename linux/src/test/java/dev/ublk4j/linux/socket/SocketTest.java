package dev.ublk4j.linux.socket;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.EventFd;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.linux.Poll;
import dev.ublk4j.linux.call.Syscall;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SocketTest {
    @TempDir Path folder;

    private final MemorySegment memory = Arena.ofAuto().allocate(100);

    @Test
    void aClientOfAUnixSocketIsHeardAndTheSocketIsRemoved() throws IOException {
        Path path = folder.resolve("socket");
        try (Socket listening = Socket.listen(path);
                SocketChannel client = SocketChannel.open(UnixDomainSocketAddress.of(path));
                Socket server = accepted(listening)) {
            assertTalks(client, server);
            assertThatThrownBy(() -> Socket.listen(path)).hasMessageContaining("EADDRINUSE");
        }
        assertThat(path).doesNotExist();
    }

    @ParameterizedTest
    @ValueSource(strings = {"127.0.0.1", "::1"})
    void aClientOfTcpIsHeard(String host) throws IOException {
        InetAddress address = InetAddress.getByName(host);
        try (Socket listening = Socket.listen(new InetSocketAddress(address, 0));
                SocketChannel client =
                        SocketChannel.open(new InetSocketAddress(address, listening.port()));
                Socket server = accepted(listening)) {
            server.sendAtOnce();
            assertTalks(client, server);
        }
    }

    @Test
    void anInheritedSocketListensOnWhenItsMakerHasLetItGoAndKeepsItsFile() throws IOException {
        Path path = folder.resolve("socket");
        try (Socket made = Socket.listen(path)) {
            try (Socket listening = Socket.inherited(copyOf(made.fd().number()));
                    SocketChannel client = SocketChannel.open(UnixDomainSocketAddress.of(path));
                    Socket server = accepted(listening)) {
                assertTalks(client, server);
                assertThat(listening.pathOrNull()).isEqualTo(path);
                assertThat(listening.addressOrNull()).isNull();
            }
            assertThat(path).exists();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"127.0.0.1", "::1"})
    void anInheritedSocketOfTcpTellsItsAddress(String host) throws IOException {
        InetAddress address = InetAddress.getByName(host);
        try (Socket made = Socket.listen(new InetSocketAddress(address, 0));
                Socket listening = Socket.inherited(copyOf(made.fd().number()))) {
            assertThat(listening.addressOrNull())
                    .isEqualTo(new InetSocketAddress(address, made.port()));
            assertThat(listening.pathOrNull()).isNull();
        }
    }

    @Test
    void whatDoesNotListenIsNotTakenOver() {
        Socket[] pair = Socket.pair();
        try (Socket one = pair[0];
                Socket _ = pair[1];
                EventFd event = EventFd.blocking()) {
            assertThatThrownBy(() -> Socket.inherited(one.fd().number()))
                    .hasMessageContaining("not a listening stream socket");
            assertThatThrownBy(() -> Socket.inherited(event.fd().number()))
                    .hasMessageContaining("ENOTSOCK");
            assertThatThrownBy(() -> Socket.inherited(1 << 20)).hasMessageContaining("EBADF");
        }
    }

    /** {@return another descriptor of the same socket, as another process has one} */
    private static int copyOf(int number) {
        int duplicates = 0;
        return (int)
                LinuxException.check(
                        "fcntl", "socket", Syscall.call(Syscall.Call.FCNTL, number, duplicates, 0));
    }

    private static boolean isReady(Socket listening) {
        try (Poll poll = new Poll(listening.fd())) {
            return poll.await(Duration.ofMinutes(4));
        }
    }

    private static Socket accepted(Socket listening) {
        assertThat(isReady(listening)).isTrue();
        Socket client = listening.acceptOrNull();
        assertThat(client).isNotNull();
        assertThat(listening.acceptOrNull()).isNull();
        return client;
    }

    private void assertTalks(SocketChannel client, Socket server) throws IOException {
        client.write(ByteBuffer.wrap(new byte[] {1, 2, 3}));
        assertThat(server.read(memory)).isEqualTo(3);
        assertThat(memory.get(JAVA_BYTE, 2)).isEqualTo((byte) 3);
        assertThat(server.write(memory.asSlice(0, 2))).isEqualTo(2);
        ByteBuffer heard = ByteBuffer.allocate(10);
        assertThat(client.read(heard)).isEqualTo(2);
        client.shutdownOutput();
        assertThat(server.read(memory)).isZero();
    }

    @Test
    void waitsAreBoundedWhereThatIsAsked() {
        Socket[] pair = Socket.pair();
        try (Socket one = pair[0];
                Socket other = pair[1]) {
            one.setPatience(Duration.ofMillis(20));
            assertThat(one.read(memory)).isEqualTo(Errno.EAGAIN.negated());
            one.setPatience(Duration.ZERO);
            assertThat(other.write(memory)).isEqualTo(100);
            assertThat(one.read(memory)).isEqualTo(100);
        }
    }

    @Test
    void shuttingDownEndsWhoWaits() throws Exception {
        try (Socket listening = Socket.listen(folder.resolve("socket"))) {
            CompletableFuture<Boolean> waiting =
                    CompletableFuture.supplyAsync(() -> isReady(listening));
            listening.shutdown();
            assertThat(waiting.get()).isTrue();
        }
        Socket[] pair = Socket.pair();
        pair[0].shutdown();
        assertThat(pair[1].read(memory)).isZero();
        pair[0].close();
        pair[1].close();
        pair[1].close();
    }

    @Test
    void aPathThatIsTooLongIsRefused() {
        assertThatThrownBy(() -> Socket.listen(folder.resolve("x".repeat(120))))
                .hasMessageContaining("ENAMETOOLONG");
    }
}
