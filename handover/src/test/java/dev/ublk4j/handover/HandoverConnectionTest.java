package dev.ublk4j.handover;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.EventFd;
import dev.ublk4j.linux.Fd;
import dev.ublk4j.linux.Poll;
import dev.ublk4j.linux.socket.UnixListener;
import dev.ublk4j.linux.socket.UnixSocket;
import dev.ublk4j.sharedmemory.SharedMemory;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The application's end, against a server that does what the test says. */
class HandoverConnectionTest {
    private static final Duration LONG = Duration.ofMinutes(4);
    private static final Duration SHORT = Duration.ofMillis(100);

    @TempDir Path folder;
    private Path path;
    private UnixListener listener;

    @BeforeEach
    void listen() {
        path = folder.resolve("s");
        listener = UnixListener.open(path, 4);
    }

    @AfterEach
    void close() {
        listener.close();
    }

    private CompletableFuture<Void> serve(Consumer<MessageStream> server) {
        return CompletableFuture.runAsync(() -> {
            try (Poll poll = new Poll(listener.fd())) {
                assertThat(poll.await(LONG)).isTrue();
            }
            try (MessageStream stream = new MessageStream(listener.acceptOrNull())) {
                server.accept(stream);
            }
        });
    }

    private static void greet(MessageStream stream) {
        stream.readUpTo(Exchange.HELLO_BYTES, LONG);
        assertThat(Hello.getOrNull(stream.in().flip())).isEqualTo(new Hello(Exchange.VERSION, 0));
        new Hello(Exchange.VERSION, 7).put(stream.out().clear());
        stream.out().flip();
        stream.write(LONG);
    }

    private static Frame read(MessageStream stream) {
        stream.clear();
        stream.readUpTo(Exchange.HEADER_BYTES, LONG);
        Frame frame = Frame.get(stream.in().flip());
        stream.in().clear().position(Exchange.HEADER_BYTES);
        stream.readUpTo(frame.length(), LONG);
        stream.in().flip().position(Exchange.HEADER_BYTES);
        return frame;
    }

    private static void answer(MessageStream stream, Frame frame, Consumer<ByteBuffer> content) {
        frame.answer(stream.out(), content);
        stream.write(LONG);
    }

    private static void join(CompletableFuture<Void> server) throws Exception {
        server.get(LONG.toSeconds(), TimeUnit.SECONDS);
    }

    @Test
    void registeringPassesTheDescriptorAndAnswersTheIndex() throws Exception {
        CompletableFuture<Void> server =
                serve(stream -> {
                    greet(stream);
                    Frame frame = read(stream);
                    assertThat(Request.get(frame.type(), stream.in()))
                            .isEqualTo(new Request.Register(0, 0, Exchange.READ_ONLY, "pool"));
                    try (SharedMemory memory = SharedMemory.adopt(stream.takeDescriptor())) {
                        answer(stream, frame, new Registered(3, 1, memory.size())::put);
                    }
                });
        try (HandoverConnection connection = HandoverConnection.open(path, LONG);
                SharedMemory memory = SharedMemory.create("pool", 8192)) {
            assertThat(connection.device()).isEqualTo(7);
            assertThat(connection.register(memory.fd(), true, "pool"))
                    .isEqualTo(new Registered(3, Exchange.READ_ONLY, 8192));
        }
        join(server);
    }

    @Test
    void aRefusalIsAnExceptionWithTheServersWordsAndTheConnectionGoesOn() throws Exception {
        CompletableFuture<Void> server =
                serve(stream -> {
                    greet(stream);
                    read(stream).refuse(stream.out(), Errno.ENOENT.negated(), "no buffer 5");
                    stream.write(LONG);
                    Frame frame = read(stream);
                    answer(stream, frame, out -> Frame.putCounters(out, Map.of("hits", 4L)));
                });
        try (HandoverConnection connection = HandoverConnection.open(path, LONG)) {
            assertThatThrownBy(() -> connection.unregister(5))
                    .isInstanceOfSatisfying(
                            HandoverException.class,
                            e -> {
                                assertThat(e.errno()).isEqualTo(Errno.ENOENT);
                                assertThat(e.text()).isEqualTo("no buffer 5");
                            });
            assertThat(connection.stat()).isEqualTo(Map.of("hits", 4L));
        }
        join(server);
    }

    @Test
    void aListGoesOnWhereTheAnswerBeforeEnded() throws Exception {
        BufferEntry first = new BufferEntry(0, 0, 0, 4096, 1, 0, "first");
        BufferEntry second = new BufferEntry(9, 1, 4096, 8192, 2, 1000, "second");
        CompletableFuture<Void> server =
                serve(stream -> {
                    greet(stream);
                    answer(stream, read(stream), out -> first.put(out.putInt(1).putInt(1)));
                    Frame frame = read(stream);
                    assertThat(Request.get(frame.type(), stream.in()))
                            .isEqualTo(new Request.ListBuffers(1));
                    answer(stream, frame, out -> second.put(out.putInt(-1).putInt(1)));
                });
        try (HandoverConnection connection = HandoverConnection.open(path, LONG)) {
            assertThat(connection.list()).containsExactly(first, second);
        }
        join(server);
    }

    @Test
    void aServerThatDoesNotAnswerIsGivenUpAndTheConnectionWithIt() throws Exception {
        CompletableFuture<Void> server =
                serve(stream -> {
                    greet(stream);
                    stream.awaitEnd(LONG);
                });
        try (HandoverConnection connection = HandoverConnection.open(path, SHORT)) {
            assertThatThrownBy(connection::stat)
                    .isInstanceOfSatisfying(
                            HandoverException.class,
                            e -> assertThat(e.errno()).isEqualTo(Errno.ETIMEDOUT));
            assertThatThrownBy(connection::stat)
                    .isInstanceOfSatisfying(
                            HandoverException.class,
                            e -> assertThat(e.errno()).isEqualTo(Errno.ENOTCONN));
        }
        join(server);
    }

    @Test
    void aServerThatLetsNobodyInIsToldFromOneThatHangsUp() throws Exception {
        CompletableFuture<Void> server =
                serve(stream -> {
                    stream.out().clear().putInt(Errno.EACCES.negated()).flip();
                    stream.write(LONG);
                });
        assertThatThrownBy(() -> HandoverConnection.open(path, LONG))
                .isInstanceOfSatisfying(
                        HandoverException.class,
                        e -> assertThat(e.errno()).isEqualTo(Errno.EACCES));
        join(server);
        server = serve(stream -> {});
        assertThatThrownBy(() -> HandoverConnection.open(path, LONG))
                .isInstanceOfSatisfying(
                        HandoverException.class,
                        e -> assertThat(e.errno()).isEqualTo(Errno.ECONNRESET));
        join(server);
    }

    @Test
    void theSimpleExchangeSendsAByteWithTheMemoryAndReadsTheIndex() throws Exception {
        CompletableFuture<Void> server =
                serve(stream -> {
                    assertThat(stream.readSome(16, LONG)).isEqualTo(MessageStream.Outcome.DONE);
                    assertThat(stream.in().position()).isEqualTo(1);
                    assertThat(stream.descriptors()).isEqualTo(1);
                    stream.out().clear().putInt(11).flip();
                    stream.write(LONG);
                });
        try (SharedMemory memory = SharedMemory.create("pool", 4096)) {
            assertThat(SimpleExchange.handOver(path, memory.fd(), LONG)).isEqualTo(11);
        }
        join(server);
    }

    @Test
    void aStreamThatIsToldToStopStopsAlthoughTheOtherEndGoesOnSending() throws Exception {
        try (EventFd stop = EventFd.nonBlocking()) {
            var pair = UnixSocket.pair();
            try (UnixSocket there = pair.getLast();
                    MessageStream stream = new MessageStream(pair.getFirst(), stop.fd());
                    MessageStream other = new MessageStream(there)) {
                other.out().clear().putLong(1).flip();
                other.write(LONG);
                assertThat(stream.readSome(1, LONG)).isEqualTo(MessageStream.Outcome.DONE);
                stop.signal();
                assertThat(stream.readSome(1, LONG)).isEqualTo(MessageStream.Outcome.STOPPED);
                assertThat(stream.awaitInput(LONG)).isEqualTo(MessageStream.Outcome.STOPPED);
            }
        }
    }

    @Test
    void descriptorsThatNobodyTakesAreClosedWithTheStream() throws Exception {
        long before = openDescriptors();
        var pair = UnixSocket.pair();
        try (MessageStream from = new MessageStream(pair.getFirst());
                MessageStream to = new MessageStream(pair.getLast());
                Fd memory = Fd.open(Path.of("/dev/null"), Fd.O_RDONLY)) {
            from.out().clear().put((byte) 1).flip();
            from.write(LONG, memory, memory, memory, memory, memory, memory);
            to.readSome(1, LONG);
            assertThat(to.descriptors()).isGreaterThan(1);
        }
        assertThat(openDescriptors()).isEqualTo(before);
    }

    private static long openDescriptors() throws Exception {
        try (var files = Files.list(Path.of("/proc/self/fd"))) {
            return files.count();
        }
    }
}
