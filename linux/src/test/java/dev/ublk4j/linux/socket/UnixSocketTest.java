package dev.ublk4j.linux.socket;

import static org.assertj.core.api.Assertions.assertThat;

import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.EventFd;
import dev.ublk4j.linux.Fd;
import dev.ublk4j.linux.Poll;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@SuppressWarnings("try") // tests close sockets before their time
class UnixSocketTest {
    private static final Duration LONG = Duration.ofMinutes(4);

    @TempDir Path folder;
    private final Arena arena = Arena.ofConfined();
    private final MemorySegment buffer = arena.allocate(64);

    @AfterEach
    void close() {
        arena.close();
    }

    @Test
    void bytesAndADescriptorArriveTogether() throws Exception {
        List<UnixSocket> pair = UnixSocket.pair();
        try (UnixSocket here = pair.getFirst();
                UnixSocket there = pair.getLast();
                Fd file = Fd.open(Files.writeString(folder.resolve("f"), "content"), 0)) {
            assertThat(here.send(arena.allocateFrom("hello"), file)).isEqualTo(6);

            UnixSocket.Received received = there.receive(buffer, 1);

            assertThat(received.answer()).isEqualTo(6);
            assertThat(buffer.getString(0)).isEqualTo("hello");
            assertThat(received.descriptors()).hasSize(1);
            assertThat(received.truncated()).isFalse();
            try (Fd copy = received.descriptors().getFirst()) {
                assertThat(copy.number()).isNotEqualTo(file.number());
                assertThat(copy.pread(buffer, 0)).isEqualTo(7);
            }
        }
    }

    @Test
    void descriptorsWithoutRoomAreClosedAndSaidToBeMissing() throws Exception {
        List<UnixSocket> pair = UnixSocket.pair();
        try (UnixSocket here = pair.getFirst();
                UnixSocket there = pair.getLast();
                Fd file = Fd.open(Files.createFile(folder.resolve("f")), 0)) {
            here.send(arena.allocate(1), file, file, file, file, file);
            long before = openDescriptors();

            UnixSocket.Received received = there.receive(buffer, 2);

            assertThat(received.descriptors()).hasSize(2);
            assertThat(received.truncated()).isTrue();
            assertThat(openDescriptors()).isEqualTo(before + 2);
            received.descriptors().forEach(Fd::close);
        }
    }

    private static long openDescriptors() throws Exception {
        try (var files = Files.list(Path.of("/proc/self/fd"))) {
            return files.count();
        }
    }

    @Test
    void anEmptyFullOrClosedSocketAnswersAtOnce() {
        List<UnixSocket> pair = UnixSocket.pair();
        try (UnixSocket here = pair.getFirst();
                UnixSocket there = pair.getLast()) {
            assertThat(here.receive(buffer, 0).answer()).isEqualTo(Errno.EAGAIN.negated());
            MemorySegment much = arena.allocate(1 << 20);
            while (here.send(much) > 0) {}
            assertThat(here.send(much)).isEqualTo(Errno.EAGAIN.negated());

            there.close();

            assertThat(here.send(much)).isEqualTo(Errno.EPIPE.negated());
            assertThat(here.receive(buffer, 0).answer()).isIn(0L, (long) -104);
        }
    }

    @Test
    void theProcessAtTheOtherEndIsReadableOnceItHasEnded() {
        List<UnixSocket> pair = UnixSocket.pair();
        try (UnixSocket here = pair.getFirst();
                UnixSocket there = pair.getLast();
                Fd self = there.peerProcess();
                Poll poll = new Poll(self)) {
            assertThat(poll.await(Duration.ZERO)).isFalse();
            assertThat(here.peer().pid()).isEqualTo(ProcessHandle.current().pid());
        }
    }

    @Test
    void theEndOfOutputIsReadByTheOtherEndAndAWatchForNothingSeesTheHangUp() {
        List<UnixSocket> pair = UnixSocket.pair();
        try (UnixSocket here = pair.getFirst();
                UnixSocket there = pair.getLast();
                Poll poll = new Poll(here.fd())) {
            here.endOutput();
            assertThat(there.receive(buffer, 0).answer()).isZero();
            there.send(arena.allocate(1));
            poll.watch(0, 0);
            assertThat(poll.await(Duration.ZERO)).isFalse();

            there.close();

            assertThat(poll.await(LONG)).isTrue();
            assertThat(poll.seen(0) & Poll.POLLHUP).isNotZero();
        }
    }

    @Test
    void anEventEndsAWait() throws Exception {
        try (EventFd quiet = EventFd.nonBlocking();
                EventFd event = EventFd.nonBlocking();
                Poll poll = new Poll(quiet.fd(), event.fd())) {
            Thread signaller = Thread.ofPlatform().start(event::signal);

            assertThat(poll.await(Duration.ofSeconds(-1))).isTrue();

            assertThat(poll.seen(0)).isZero();
            assertThat(poll.seen(1)).isEqualTo(Poll.POLLIN);
            signaller.join();
        }
    }
}
