package dev.ublk4j.sharing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.Fd;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.linux.Poll;
import dev.ublk4j.linux.call.Syscall;
import dev.ublk4j.linux.socket.UnixSocket;
import dev.ublk4j.sharedmemory.SharedMemory;
import dev.ublk4j.sharing.store.BufferLedger;
import dev.ublk4j.sharing.store.Keeper;
import dev.ublk4j.sharing.store.KeeperStore;
import dev.ublk4j.sharing.store.SystemdStore;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@DisplayName("A descriptor store")
class DescriptorStoreTest {
    private static final Duration PATIENCE = Duration.ofMinutes(4);
    private static final long SIZE = 4096;

    @TempDir Path folder;

    private CompletableFuture<Void> keep(Path path, AtomicBoolean needed) throws Exception {
        Keeper keeper = Keeper.open(path);
        return CompletableFuture.runAsync(() -> {
            try (keeper) {
                keeper.serve(needed::get);
            } catch (Exception e) {
                throw new IllegalStateException(e);
            }
        });
    }

    @Test
    void goesOnWhateverBefallsIt() throws Exception {
        Path path = folder.resolve("keeper");
        AtomicBoolean failing = new AtomicBoolean();
        Semaphore failures = new Semaphore(0);
        Keeper keeper = Keeper.open(path);
        CompletableFuture<Void> kept =
                CompletableFuture.runAsync(() -> {
                    try (keeper) {
                        keeper.serve(() -> {
                            if (failing.get()) {
                                failures.release();
                                throw new OutOfMemoryError("on purpose");
                            }
                            return true;
                        });
                    }
                });
        try (KeeperStore store = new KeeperStore(path);
                SharedMemory memory = SharedMemory.create("memory", SIZE)) {
            store.put("ublk0-1", memory.fd());
            failing.set(true);
            failures.acquire(2);
            failing.set(false);
            assertSame(store.take().get("ublk0-1"), memory);
        }
        kept.get(4, TimeUnit.MINUTES);
    }

    @ParameterizedTest
    @ValueSource(strings = {"a file", "a folder", "a link"})
    void hasALedgerThatLeavesAloneWhatIsAnothers(String what) throws Exception {
        Path other = Files.writeString(folder.resolve("other"), "precious");
        Path path = folder.resolve("0.buffers");
        switch (what) {
            case "a file" -> Files.writeString(path, "precious");
            case "a folder" -> Files.createDirectory(path);
            default -> Files.createSymbolicLink(path, other);
        }

        assertThatThrownBy(() -> BufferLedger.begin(path))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("is not a list of buffers");
        BufferLedger.deleteAbandoned(path);

        assertThat(Files.exists(path, LinkOption.NOFOLLOW_LINKS)).isTrue();
        assertThat(other).hasContent("precious");
    }

    @Test
    void hasALedgerThatTakesThePlaceOfAnEarlierOne() throws Exception {
        Path path = folder.resolve("0.buffers");
        // A name that a draft might have, leading elsewhere.
        Path other = Files.writeString(folder.resolve("other"), "precious");
        Files.createSymbolicLink(folder.resolve("0.buffers.new"), other);

        BufferLedger _ = BufferLedger.begin(path);
        BufferLedger _ = BufferLedger.begin(path);
        assertThat(other).hasContent("precious");
        assertThat(path).exists();

        BufferLedger.deleteAbandoned(path);
        assertThat(path).doesNotExist();
    }

    private static void assertSame(Fd taken, SharedMemory memory) {
        try (SharedMemory again = SharedMemory.adopt(taken)) {
            assertThat(again.identity()).isEqualTo(memory.identity());
        }
    }

    @Test
    void keepsWhatItIsGivenUntilItIsRemoved() throws Exception {
        Path path = folder.resolve("keeper");
        CompletableFuture<Void> keeper = keep(path, new AtomicBoolean(true));
        try (KeeperStore store = new KeeperStore(path);
                SharedMemory one = SharedMemory.create("one", SIZE);
                SharedMemory two = SharedMemory.create("two", SIZE)) {
            assertThat(store.take()).isEmpty();
            store.put("ublk0-1", two.fd());
            store.put("ublk0-1", one.fd());
            store.put("ublk0-2", two.fd());
            Map<String, Fd> taken = store.take();
            assertThat(taken).containsOnlyKeys("ublk0-1", "ublk0-2");
            assertSame(taken.get("ublk0-1"), one);
            assertSame(taken.get("ublk0-2"), two);

            store.remove("ublk0-1");
            store.remove("ublk0-7");
            Map<String, Fd> left = store.take();
            assertThat(left).containsOnlyKeys("ublk0-2");
            left.values().forEach(Fd::close);
        }
        keeper.get(4, TimeUnit.MINUTES);
        assertThat(path).doesNotExist();
        assertThat(KeeperStore.answers(path)).isFalse();
    }

    @Test
    void endsWhenItIsNotNeededAnyMore() throws Exception {
        AtomicBoolean needed = new AtomicBoolean(true);
        CompletableFuture<Void> keeper = keep(folder.resolve("keeper"), needed);
        assertThat(KeeperStore.answers(folder.resolve("keeper"))).isTrue();
        needed.set(false);
        keeper.get(4, TimeUnit.MINUTES);
    }

    @Test
    void survivesClientsThatAreSilentOrMakeNoSense() throws Exception {
        Path path = folder.resolve("keeper");
        CompletableFuture<Void> keeper = keep(path, new AtomicBoolean(true));
        try (KeeperStore store = new KeeperStore(path);
                SharedMemory memory = SharedMemory.create("one", SIZE);
                Arena arena = Arena.ofConfined();
                UnixSocket silent = UnixSocket.connect(path, PATIENCE);
                UnixSocket wrong = UnixSocket.connect(path, PATIENCE)) {
            MemorySegment nonsense = arena.allocate(64).fill((byte) 0x7f);
            assertThat(wrong.send(nonsense)).isEqualTo(64);
            store.put("ublk0-1", memory.fd());
            Map<String, Fd> taken = store.take();
            assertThat(taken).hasSize(1);
            taken.values().forEach(Fd::close);
            assertThat(silent).isNotNull();
        }
        keeper.get(4, TimeUnit.MINUTES);
    }

    /** The end of systemd, which takes datagrams. */
    private static final class ServiceManager implements AutoCloseable {
        private static final int AF_UNIX = 1;
        private static final int SOCK_DGRAM = 2;
        private static final int MSGHDR_BYTES = 56;
        private static final int CONTROL_BYTES = 24;

        final Arena arena = Arena.ofShared();
        final Fd socket;

        ServiceManager(String path) {
            socket =
                    Fd.own(
                            (int) Syscall.call(Syscall.Call.SOCKET, AF_UNIX, SOCK_DGRAM, 0),
                            "manager");
            MemorySegment address = arena.allocate(110, 8);
            address.set(ValueLayout.JAVA_SHORT, 0, (short) AF_UNIX);
            address.setString(2, path);
            LinuxException.check(
                    "bind",
                    path,
                    Syscall.call(Syscall.Call.BIND, socket.number(), address.address(), 110));
        }

        /** Takes one message in, and closes its descriptor after looking at it. */
        String receive() {
            try (Poll poll = new Poll(socket)) {
                assertThat(poll.await(PATIENCE)).isTrue();
            }
            MemorySegment data = arena.allocate(512);
            MemorySegment vector = arena.allocate(16, 8);
            vector.set(ValueLayout.JAVA_LONG, 0, data.address());
            vector.set(ValueLayout.JAVA_LONG, 8, data.byteSize());
            MemorySegment control = arena.allocate(CONTROL_BYTES, 8);
            MemorySegment header = arena.allocate(MSGHDR_BYTES, 8);
            header.set(ValueLayout.JAVA_LONG, 16, vector.address());
            header.set(ValueLayout.JAVA_LONG, 24, 1);
            header.set(ValueLayout.JAVA_LONG, 32, control.address());
            header.set(ValueLayout.JAVA_LONG, 40, CONTROL_BYTES);
            long bytes = Syscall.call(Syscall.Call.RECVMSG, socket.number(), header.address(), 0);
            assertThat(bytes).isPositive();
            String text =
                    new String(
                            data.asSlice(0, bytes).toArray(ValueLayout.JAVA_BYTE),
                            StandardCharsets.UTF_8);
            if (header.get(ValueLayout.JAVA_LONG, 40) == 0) {
                return text;
            }
            Fd.own(control.get(ValueLayout.JAVA_INT, 16), "received").close();
            return text + " with a descriptor";
        }

        @Override
        public void close() {
            socket.close();
            arena.close();
        }
    }

    @Test
    void ofSystemdIsToldByDatagramsAndWaitedFor() throws Exception {
        String path = folder.resolve("notify").toString();
        Map<String, String> environment = Map.of("NOTIFY_SOCKET", path, "FDSTORE", "64");
        assertThat(SystemdStore.isThere(environment)).isTrue();
        try (ServiceManager manager = new ServiceManager(path);
                SystemdStore store = SystemdStore.of(environment, 4711, 3);
                SharedMemory memory = SharedMemory.create("one", SIZE)) {
            CompletableFuture<Void> put =
                    CompletableFuture.runAsync(() -> store.put("ublk3-1", memory.fd()));
            assertThat(manager.receive())
                    .isEqualTo("FDSTORE=1\nFDPOLL=0\nFDNAME=ublk3-1 with a descriptor");
            assertThat(put).isNotDone();
            assertThat(manager.receive()).isEqualTo("BARRIER=1 with a descriptor");
            put.get(4, TimeUnit.MINUTES);
            store.remove("ublk3-1");
            assertThat(manager.receive()).isEqualTo("FDSTOREREMOVE=1\nFDNAME=ublk3-1");
        }
    }

    @Test
    void ofSystemdIsOneOnlyWhereTheUnitSaysSo() {
        assertThat(SystemdStore.isThere(Map.of("NOTIFY_SOCKET", "/x"))).isFalse();
        assertThat(SystemdStore.isThere(Map.of("NOTIFY_SOCKET", "/x", "FDSTORE", "0"))).isFalse();
        assertThat(SystemdStore.isThere(Map.of("FDSTORE", "3"))).isFalse();
        assertThatThrownBy(() -> SystemdStore.of(Map.of(), 1, 0))
                .isInstanceOfSatisfying(
                        LinuxException.class, e -> assertThat(e.errno()).isEqualTo(Errno.ENOENT));
    }

    @Test
    void ofSystemdGivesBackWhatIsOfTheDeviceAndMeantForThisProcess() {
        Map<String, String> environment =
                Map.of(
                        "NOTIFY_SOCKET", "/x",
                        "LISTEN_PID", "4711",
                        "LISTEN_FDS", "3",
                        "LISTEN_FDNAMES", "stored:ublk3-1:ublk31-1");
        assertThat(SystemdStore.of(environment, 4712, 3).take()).isEmpty();
        Map<String, Fd> taken = SystemdStore.of(environment, 4711, 3).take();
        // Not closed: these numbers belong to somebody else in this process.
        assertThat(taken).containsOnlyKeys("ublk3-1");
        assertThat(taken.get("ublk3-1").number()).isEqualTo(4);
    }
}
