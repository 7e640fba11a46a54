package dev.ublk4j.linux.socket;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.EventFd;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.linux.Poll;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CyclicBarrier;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@DisplayName("A listening Unix socket")
@SuppressWarnings("try") // tests close sockets before their time
class UnixListenerTest {
    private static final Duration LONG = Duration.ofMinutes(4);
    private static final int BACKLOG = 32;

    @TempDir Path folder;

    private Path path() {
        return folder.resolve("s");
    }

    /** Closing a channel leaves its file, as a process that is killed does. */
    private void abandon(Path path) throws IOException {
        ServerSocketChannel.open(StandardProtocolFamily.UNIX)
                .bind(UnixDomainSocketAddress.of(path))
                .close();
    }

    private void assertIsListenedAt(Path path) {
        try (UnixSocket client = UnixSocket.connect(path, LONG)) {
            assertThat(client.peer().pid()).isEqualTo(ProcessHandle.current().pid());
        }
    }

    private static void assertRefused(Path path, Errno errno, String detail) {
        assertThatThrownBy(() -> UnixListener.open(path, BACKLOG))
                .isInstanceOfSatisfying(
                        LinuxException.class, e -> assertThat(e.errno()).isEqualTo(errno))
                .hasMessageContaining(detail)
                .hasMessageContaining(path.toString());
        assertThatThrownBy(() -> Socket.listen(path)).hasMessageContaining(detail);
    }

    @Test
    void takesInWhoConnectsAndKnowsWhoItIs() throws Exception {
        try (UnixListener listener = UnixListener.open(path(), BACKLOG);
                Poll poll = new Poll(listener.fd())) {
            assertThat(listener.acceptOrNull()).isNull();
            assertThat(poll.await(Duration.ZERO)).isFalse();

            try (UnixSocket client = UnixSocket.connect(path(), LONG)) {
                assertThat(poll.await(LONG)).isTrue();
                assertThat(poll.seen(0)).isEqualTo(Poll.POLLIN);
                try (UnixSocket accepted = listener.acceptOrNull()) {
                    assertThat(accepted).isNotNull();
                    assertThat(accepted.peer().pid()).isEqualTo(ProcessHandle.current().pid());
                    assertThat(accepted.peer().uid())
                            .isEqualTo(Files.getAttribute(Path.of("/proc/self"), "unix:uid"));
                    assertThat(client.peer()).isEqualTo(accepted.peer());
                }
            }
        }
        assertThat(path()).doesNotExist();
    }

    @Test
    void takesThePlaceOfASocketThatNobodyListensAt() throws IOException {
        abandon(path());
        try (UnixListener listener = UnixListener.open(path(), BACKLOG)) {
            assertIsListenedAt(listener.path());
        }
        abandon(path());
        try (Socket listener = Socket.listen(path())) {
            assertIsListenedAt(path());
            assertThat(listener.fd().isClosed()).isFalse();
        }
        assertThat(path()).doesNotExist();
    }

    @Test
    void leavesAloneWhatIsNoSocket() throws Exception {
        Path file = Files.writeString(folder.resolve("e.img"), "data");
        assertRefused(file, Errno.EADDRINUSE, "a regular file is there; it is left alone");
        assertThat(file).hasContent("data");

        Path inner = Files.createDirectory(folder.resolve("empty"));
        assertRefused(inner, Errno.EADDRINUSE, "a folder is there");
        assertThat(inner).isDirectory();

        Path pipe = folder.resolve("pipe");
        assertThat(new ProcessBuilder("mkfifo", pipe.toString()).start().waitFor()).isZero();
        assertRefused(pipe, Errno.EADDRINUSE, "a named pipe is there");
        assertThat(pipe).exists();
    }

    @Test
    void followsNoLink() throws IOException {
        Path socket = folder.resolve("old");
        abandon(socket);
        Path link = Files.createSymbolicLink(path(), socket);
        assertRefused(link, Errno.EADDRINUSE, "a symbolic link is there");
        Files.delete(socket);
        assertRefused(link, Errno.EADDRINUSE, "a symbolic link is there");
        assertThat(Files.isSymbolicLink(link)).isTrue();
        assertThat(socket).doesNotExist();
    }

    @Test
    void leavesAloneOneThatIsListenedAtWhateverItsClientsDo() {
        List<UnixSocket> waiting = new ArrayList<>();
        try (UnixListener listener = UnixListener.open(path(), 1)) {
            // The backlog is full: whoever connects would have to wait.
            for (int i = 0; i < 2; i++) {
                waiting.add(UnixSocket.connect(path(), LONG));
            }
            assertRefused(path(), Errno.EADDRINUSE, "another process listens there");
            assertThat(listener.acceptOrNull()).isNotNull();
        } finally {
            waiting.forEach(UnixSocket::close);
        }
    }

    @Test
    void saysWhatIsWrongWithAPath() {
        Path longPath = folder.resolve("x".repeat(UnixSocket.MAX_PATH_BYTES));
        assertRefused(longPath, Errno.ENAMETOOLONG, "a socket's path has at most 107 bytes");
        Path nowhere = folder.resolve("none").resolve("s");
        assertRefused(nowhere, Errno.ENOENT, "none cannot be used as its folder");
        assertRefused(Path.of(""), Errno.EINVAL, "no name for a socket");
        assertRefused(Path.of("/"), Errno.EINVAL, "no name for a socket");
        assertRefused(Path.of("/proc/ublk4j-test"), Errno.ENOENT, "/proc/ublk4j-test");
    }

    @Test
    void isAFileEvenWhereItsNameBeginsLikeOneThatIsNone() throws IOException {
        Path relative = Path.of("@ublk4j-listener-test");
        try (UnixListener listener = UnixListener.open(relative, BACKLOG)) {
            assertThat(relative).exists();
            assertIsListenedAt(listener.path());
        } finally {
            Files.deleteIfExists(relative);
        }
    }

    @Test
    void hasThePermissionsThatItIsGivenWhateverTheMaskIs() throws IOException {
        for (String permissions : List.of("rw-------", "rw-rw-rw-", "rwx-w--w-")) {
            int bits = 0;
            for (char c : permissions.toCharArray()) {
                bits = bits << 1 | (c == '-' ? 0 : 1);
            }
            try (UnixListener listener = UnixListener.open(path(), BACKLOG, bits)) {
                assertThat(
                                PosixFilePermissions.toString(
                                        Files.getPosixFilePermissions(listener.path())))
                        .isEqualTo(permissions);
            }
        }
    }

    @Test
    void removesNothingButWhatItHasMade() throws IOException {
        try (UnixListener listener = UnixListener.open(path(), BACKLOG)) {
            Files.delete(path());
            Files.writeString(path(), "another's");
            assertThat(listener.fd().isClosed()).isFalse();
        }
        assertThat(path()).hasContent("another's");
        Files.delete(path());

        Socket first = Socket.listen(path());
        first.shutdown();
        assertThat(path()).doesNotExist();
        try (UnixListener second = UnixListener.open(path(), BACKLOG)) {
            first.close();
            assertIsListenedAt(second.path());
        }
    }

    @Test
    void isRemovedAsAbandonedOnlyWhereItIs() throws IOException {
        UnixListener.removeAbandoned(path());
        UnixListener.removeAbandoned(folder.resolve("none").resolve("s"));
        Files.writeString(path(), "data");
        UnixListener.removeAbandoned(path());
        assertThat(path()).hasContent("data");
        Files.delete(path());
        try (UnixListener listener = UnixListener.open(path(), BACKLOG)) {
            UnixListener.removeAbandoned(path());
            assertIsListenedAt(listener.path());
        }
        abandon(path());
        UnixListener.removeAbandoned(path());
        assertThat(Files.exists(path(), LinkOption.NOFOLLOW_LINKS)).isFalse();
    }

    @Test
    void ofManyThatBeginAtOnceOneListens() throws Exception {
        int servers = 8;
        for (int round = 0; round < 50; round++) {
            abandon(path());
            Queue<UnixListener> won = new ConcurrentLinkedQueue<>();
            Queue<RuntimeException> lost = new ConcurrentLinkedQueue<>();
            CyclicBarrier start = new CyclicBarrier(servers);
            List<Thread> threads = new ArrayList<>();
            for (int i = 0; i < servers; i++) {
                threads.add(
                        Thread.ofPlatform()
                                .start(() -> {
                                    try {
                                        start.await();
                                        won.add(UnixListener.open(path(), BACKLOG));
                                    } catch (LinuxException e) {
                                        lost.add(e);
                                    } catch (Exception e) {
                                        throw new AssertionError(e);
                                    }
                                }));
            }
            for (Thread thread : threads) {
                thread.join();
            }
            assertThat(won).hasSize(1);
            assertThat(lost)
                    .hasSize(servers - 1)
                    .allSatisfy(e -> assertThat(e).hasMessageContaining("another process listens"));
            assertIsListenedAt(path());
            won.remove().close();
            assertThat(path()).doesNotExist();
        }
    }

    @Test
    void letsClientsInAgainAfterOneThatCouldNotBe() throws Exception {
        List<Integer> turns = new ArrayList<>();
        try (UnixListener listener = UnixListener.open(path(), BACKLOG);
                EventFd stop = EventFd.nonBlocking()) {
            AcceptLoop<UnixSocket> loop =
                    new AcceptLoop<>(
                            listener,
                            stop.fd(),
                            client -> {
                                turns.add(turns.size());
                                if (turns.size() == 1) {
                                    throw new OutOfMemoryError("no more threads");
                                }
                                client.close();
                                stop.signal();
                            });
            Thread thread = Thread.ofPlatform().start(loop);
            try (SocketChannel failed = SocketChannel.open(UnixDomainSocketAddress.of(path()))) {
                assertThat(failed.read(ByteBuffer.allocate(1))).isEqualTo(-1);
            }
            UnixSocket.connect(path(), LONG).close();
            thread.join();
        }
        assertThat(turns).containsExactly(0, 1);
    }

    @Test
    void saysOnOneLineThatClientsCannotBeLetInHoweverOften() throws Exception {
        int failures = 5;
        List<LogRecord> lines = Collections.synchronizedList(new ArrayList<>());
        Handler collector = new Collector(lines);
        Logger logger = Logger.getLogger(AcceptLoop.class.getName());
        logger.addHandler(collector);
        try (UnixListener listener = UnixListener.open(path(), BACKLOG);
                EventFd stop = EventFd.nonBlocking()) {
            AcceptLoop<UnixSocket> loop =
                    new AcceptLoop<>(
                            listener,
                            stop.fd(),
                            _ -> {
                                throw new OutOfMemoryError("no more threads");
                            });
            Thread thread = Thread.ofPlatform().start(loop);
            for (int i = 0; i < failures; i++) {
                try (SocketChannel failed =
                        SocketChannel.open(UnixDomainSocketAddress.of(path()))) {
                    assertThat(failed.read(ByteBuffer.allocate(1))).isEqualTo(-1);
                }
            }
            stop.signal();
            thread.join();
        } finally {
            logger.removeHandler(collector);
        }
        assertThat(lines)
                .singleElement()
                .satisfies(line -> {
                    assertThat(line.getMessage())
                            .contains(path().toString(), "clients have to wait")
                            .contains("no more threads");
                    assertThat(line.getThrown()).isNull();
                });
    }

    /** Keeps what is logged. */
    private static final class Collector extends Handler {
        private final List<LogRecord> lines;

        Collector(List<LogRecord> lines) {
            this.lines = lines;
        }

        @Override
        public void publish(LogRecord line) {
            lines.add(line);
        }

        @Override
        public void flush() {}

        @Override
        public void close() {}
    }
}
