package dev.ublk4j.vhostuser;

import static dev.ublk4j.vhostuser.TestRing.DATA;
import static dev.ublk4j.vhostuser.TestRing.IN;
import static dev.ublk4j.vhostuser.TestRing.OK;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.assertj.core.api.Assertions.assertThat;

import dev.ublk4j.linux.EventFd;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.linux.call.Syscall;
import dev.ublk4j.linux.socket.UnixSocket;
import dev.ublk4j.server.Geometry;
import dev.ublk4j.server.Queue;
import dev.ublk4j.server.Request;
import dev.ublk4j.server.SimpleTarget;
import dev.ublk4j.targets.MemoryTarget;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@DisplayName("An export")
final class EnduringExportTest {
    private static final int RLIMIT_NOFILE = 7;
    private static final long LONG_NANOS = TimeUnit.MINUTES.toNanos(4);

    @TempDir private Path folder;

    /** Answers its first read when it is told to. */
    private static final class Late implements SimpleTarget {
        final CountDownLatch begun = new CountDownLatch(1);
        private volatile Request held;
        private Queue queue;
        private long handle;

        @Override
        public Geometry geometry() {
            return Geometry.ofSize(1 << 20);
        }

        @Override
        public int read(Request request) {
            if (begun.getCount() == 0) {
                return (int) request.length();
            }
            queue = request.queue();
            handle = request.id();
            held = request;
            begun.countDown();
            return Request.PENDING;
        }

        void answer() {
            assertThat(held).isNotNull();
            queue.complete(handle, 512);
        }

        @Override
        public int write(Request request) {
            return (int) request.length();
        }
    }

    @Test
    void takesTheNextClientThoughTheTargetHasNotAnsweredTheLast() throws Exception {
        Late target = new Late();
        try (TestExport disk =
                new TestExport(
                        target,
                        1,
                        folder,
                        options -> options.withPatience(Duration.ofMillis(300)))) {
            TestClient gone = TestClient.withMemory(disk.socket());
            TestRing stuck = TestRing.of(gone, 0).started();
            stuck.request(0, IN, 0, DATA, 512);
            stuck.offerAndKick(0);
            target.begun.await();
            gone.hangUp();
            // It is spoken to, though its ring cannot be served yet.
            try (TestClient next = TestClient.withMemory(disk.socket())) {
                next.ask(TestClient.GET_FEATURES, TestClient.payload());
            }
            target.answer();
            try (TestClient next = TestClient.withMemory(disk.socket())) {
                assertThat(TestRing.of(next, 0).started().run(IN, 0, DATA, 512)).isEqualTo(OK);
            }
            gone.close();
        }
    }

    @Test
    void takesClientsAgainWhenThereAreDescriptorsAgain() throws Exception {
        // What is used below is loaded before there are no descriptors to load it with.
        assertThat(new LinuxException("accept4", "x", -24).toString()).contains("EMFILE");
        try (TestExport disk = new TestExport(new MemoryTarget(1 << 20), 1, folder);
                Arena arena = Arena.ofConfined()) {
            for (int i = 0; i < 2; i++) {
                try (TestClient client = TestClient.withMemory(disk.socket())) {
                    assertThat(TestRing.of(client, 0).started().run(IN, 0, DATA, 512))
                            .isEqualTo(OK);
                }
            }
            awaitDescriptors(openDescriptors());
            MemorySegment limits = arena.allocate(JAVA_LONG, 2);
            MemorySegment before = arena.allocate(JAVA_LONG, 2);
            limit(0, before.address());
            MemorySegment.copy(before, 0, limits, 0, limits.byteSize());
            EventFd lowest = EventFd.nonBlocking();
            try (UnixSocket client = UnixSocket.connect(disk.socket(), Duration.ofMinutes(4))) {
                // The client itself is told apart: it is a descriptor of this process, too.
                limits.set(JAVA_LONG, 0, 1);
                limit(limits.address(), 0);
                lowest.close();
                LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(350));
                assertThat(client.fd().isClosed()).isFalse();
            } finally {
                limit(before.address(), 0);
            }
            try (TestClient client = TestClient.withMemory(disk.socket())) {
                assertThat(TestRing.of(client, 0).started().run(IN, 0, DATA, 512)).isEqualTo(OK);
            }
        }
    }

    @Test
    void letsNobodyHoldThePlaceOfAClientWhoSaysNothing() {
        try (TestExport disk = new TestExport(new MemoryTarget(1 << 20), 1, folder);
                TestClient silent = TestClient.connected(disk.socket());
                TestClient client = TestClient.withMemory(disk.socket())) {
            assertThat(TestRing.of(client, 0).started().run(IN, 0, DATA, 512)).isEqualTo(OK);
            assertThat(silent.isDropped()).isTrue();
        }
    }

    private static void limit(long set, long get) {
        LinuxException.check(
                "prlimit64", "", Syscall.call(Syscall.Call.PRLIMIT64, 0, RLIMIT_NOFILE, set, get));
    }

    private static long openDescriptors() throws Exception {
        try (var files = Files.list(Path.of("/proc/self/fd"))) {
            return files.count();
        }
    }

    private static void awaitDescriptors(long most) throws Exception {
        long deadline = System.nanoTime() + LONG_NANOS;
        while (openDescriptors() > most) {
            assertThat(System.nanoTime()).isLessThan(deadline);
            LockSupport.parkNanos(1_000_000);
        }
    }
}
