package dev.ublk4j.conformance.rules;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;

import dev.ublk4j.conformance.lane.Io;
import dev.ublk4j.conformance.lane.Lane;
import dev.ublk4j.handover.BufferEntry;
import dev.ublk4j.handover.Exchange;
import dev.ublk4j.handover.HandoverConnection;
import dev.ublk4j.handover.HandoverException;
import dev.ublk4j.handover.Registered;
import dev.ublk4j.handover.Request;
import dev.ublk4j.handover.SimpleExchange;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.server.DeviceCounters;
import dev.ublk4j.sharedmemory.Seal;
import dev.ublk4j.sharedmemory.SharedMemory;
import dev.ublk4j.sharing.SharingOptions;
import dev.ublk4j.sharing.SharingServer;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;

/** What applications that keep to the protocol get from a device that takes memory. */
public abstract class SharingRules extends LaneRules {
    private static final long BYTES = 16L * PAGE;
    private static final Path TMPFS = Path.of("/dev/shm");

    protected SharingRules(Supplier<? extends Lane> lanes) {
        super(lanes);
    }

    static void assertRefused(Errno errno, Runnable action) {
        assertThatThrownBy(action::run)
                .isInstanceOfSatisfying(
                        HandoverException.class,
                        e -> assertThat(e.errno()).as(e.getMessage()).isEqualTo(errno));
    }

    @Test
    void aClientOfTheSimpleExchangeIsServedForAsLongAsItsProcessLives() {
        try (SharedDevice device = SharedDevice.live(lane());
                Shared shared = new Shared(lane(), BYTES)) {
            assertThat(device.transfersNotCopied(shared.client())).isZero();

            // The connection is closed when this returns, as the kernel's test server does it.
            int index =
                    SimpleExchange.handOver(device.path(), shared.file().fd(), SharedDevice.LONG);

            assertThat(index).isZero();
            assertThat(device.transfersNotCopied(shared.client())).isEqualTo(2);
            assertThat(shared.file().seals()).contains(Seal.SHRINK);
        }
    }

    @Test
    void aConnectionSharesSeveralBuffersAndTakesThemBackOneByOne() {
        try (SharedDevice device = SharedDevice.live(lane());
                Shared one = new Shared(lane(), BYTES);
                Shared two = new Shared(lane(), 2 * BYTES);
                HandoverConnection connection = device.connect()) {
            assertThat(connection.device()).isEqualTo(device.device().id());
            assertThat(connection.register(one.file().fd(), false, "one"))
                    .isEqualTo(new Registered(0, 0, BYTES));
            assertThat(connection.register(two.file().fd(), false, "two").index()).isEqualTo(1);
            assertThat(device.transfersNotCopied(one.client())).isEqualTo(2);
            assertThat(device.transfersNotCopied(two.client())).isEqualTo(2);
            assertThat(connection.list())
                    .extracting(BufferEntry::index, BufferEntry::name, BufferEntry::length)
                    .containsExactly(tuple(0, "one", BYTES), tuple(1, "two", 2 * BYTES));
            assertThat(connection.list())
                    .allSatisfy(entry -> {
                        assertThat(entry.own()).isTrue();
                        assertThat(entry.pid()).isEqualTo(ProcessHandle.current().pid());
                    });

            connection.unregister(0);

            assertThat(device.transfersNotCopied(one.client())).isZero();
            assertThat(device.transfersNotCopied(two.client())).isEqualTo(2);
            assertRefused(Errno.ENOENT, () -> connection.unregister(0));
            assertThat(connection.stat())
                    .containsEntry("shared_requests", 6L)
                    .containsEntry("buffers", 1L)
                    .containsEntry("buffer_bytes", 2 * BYTES);
        }
    }

    @Test
    void theBuffersOfAConnectionGoWithItAndTheirMemoryIsRegisteredAnew() {
        try (SharedDevice device = SharedDevice.live(lane());
                Shared shared = new Shared(lane(), BYTES)) {
            for (int round = 0; round < 3; round++) {
                try (HandoverConnection connection = device.connect()) {
                    assertThat(connection.register(shared.file().fd(), false, "").index()).isZero();
                    assertRefused(
                            Errno.EEXIST,
                            () -> connection.register(shared.file().fd(), false, "twice"));
                    assertThat(device.transfersNotCopied(shared.client())).isEqualTo(2);
                }
                device.awaitNothing();
                assertThat(device.transfersNotCopied(shared.client())).isZero();
            }
        }
    }

    @Test
    void partsOfAFileAreSharedByThemselves() {
        try (SharedDevice device = SharedDevice.live(lane());
                Shared shared = new Shared(lane(), BYTES);
                HandoverConnection connection = device.connect()) {
            Request.Register part = new Request.Register(2L * PAGE, 4L * PAGE, 0, "part");
            assertThat(connection.register(shared.file().fd(), part).length()).isEqualTo(4L * PAGE);
            DeviceCounters before = device.device().counters();

            for (long page = 0; page < 8; page++) {
                device.disk().run(Io.write(0, shared.client().piece(page * PAGE, PAGE)));
            }

            assertThat(device.device().counters().sharedRequests() - before.sharedRequests())
                    .isEqualTo(4);
        }
    }

    @Test
    void readOnlyMemoryIsUsedByWritesAlone() {
        try (SharedDevice device = SharedDevice.live(lane());
                Shared shared = new Shared(lane(), BYTES);
                HandoverConnection connection = device.connect()) {
            // Mappings that are there already may still be written to.
            shared.file().seal(Seal.FUTURE_WRITE);
            assertRefused(
                    Errno.EPERM, () -> connection.register(shared.file().fd(), false, "sealed"));

            Registered registered = connection.register(shared.file().fd(), true, "sealed");

            assertThat(registered.flags()).isEqualTo(Exchange.READ_ONLY);
            assertThat(device.transfersNotCopied(shared.client())).isEqualTo(1);
        }
    }

    @Test
    void memoryThatIsSealedAgainstWritingIsSharedReadOnly() {
        try (SharedDevice device = SharedDevice.live(lane());
                SharedMemory file = SharedMemory.create("sealed", BYTES);
                HandoverConnection connection = device.connect()) {
            try (Arena arena = Arena.ofShared()) {
                pattern(file.map(arena, false), 3);
            }
            file.seal(Seal.WRITE);
            assertRefused(Errno.EPERM, () -> connection.register(file.fd(), false, "sealed"));
            assertThat(connection.register(file.fd(), true, "sealed").index()).isZero();
        }
    }

    @Test
    void aKeptBufferOutlivesItsConnectionAndIsClaimedByWhoHasTheMemory() {
        try (SharedDevice device = SharedDevice.live(lane());
                Shared shared = new Shared(lane(), BYTES);
                SharedMemory other = SharedMemory.create("other", BYTES)) {
            try (HandoverConnection connection = device.connect()) {
                Request.Register kept = new Request.Register(0, 0, Exchange.KEEP, "pool");
                connection.register(shared.file().fd(), kept);
            }
            try (HandoverConnection connection = device.connect()) {
                assertThat(connection.list())
                        .singleElement()
                        .satisfies(entry -> assertThat(entry.kept()).isTrue());
                assertThat(device.transfersNotCopied(shared.client())).isEqualTo(2);
                assertRefused(Errno.ESTALE, () -> connection.claim(other.fd(), 0, ""));
                assertRefused(
                        Errno.ENOENT,
                        () -> connection.claim(other.fd(), Exchange.NO_INDEX, "lake"));

                Registered claimed =
                        connection.claim(shared.file().fd(), Exchange.NO_INDEX, "pool");

                assertThat(claimed).isEqualTo(new Registered(0, 0, BYTES));
                assertThat(connection.list().getFirst().own()).isTrue();
                try (HandoverConnection late = device.connect()) {
                    assertRefused(Errno.EBUSY, () -> late.claim(shared.file().fd(), 0, ""));
                }
            }
            device.awaitNothing();
        }
    }

    @Test
    void anAdministratorRemovesWhatIsAnothers() {
        try (SharedDevice device = SharedDevice.live(lane());
                Shared shared = new Shared(lane(), BYTES);
                HandoverConnection owner = device.connect();
                HandoverConnection operator = device.connect()) {
            owner.register(shared.file().fd(), false, "pool");
            assertThat(operator.list().getFirst().own()).isFalse();

            operator.unregister(0);

            assertThat(owner.list()).isEmpty();
            assertThat(device.transfersNotCopied(shared.client())).isZero();
        }
    }

    @Test
    void aFileThatTheOperatorNamesIsSharedUntilTheServerStops() throws IOException {
        Path path = TMPFS.resolve("ublk4j-" + ProcessHandle.current().pid());
        try (SharedMemory file = SharedMemory.createFile(path, BYTES, 0600);
                Arena arena = Arena.ofShared();
                SharedDevice device = SharedDevice.live(lane());
                HandoverConnection connection = device.connect();
                var area = lane().area(file.map(arena, false))) {
            assertThat(device.server().shareFile(path, false)).isZero();

            assertThat(device.transfersNotCopied(area)).isEqualTo(2);
            assertThat(connection.list())
                    .singleElement()
                    .satisfies(entry -> {
                        assertThat(entry.name()).isEqualTo(path.toString());
                        assertThat(entry.pid()).isZero();
                    });
            connection.unregister(0);
            Request.Register trusted =
                    new Request.Register(0, 0, Exchange.TRUSTED | Exchange.KEEP, "again");
            assertThat(connection.register(file.fd(), trusted).index()).isZero();
            assertThat(device.transfersNotCopied(area)).isEqualTo(2);
        } finally {
            Files.deleteIfExists(path);
        }
    }

    @Test
    void aListIsWholeHoweverLongItIs() {
        int count = 500;
        List<SharedMemory> memories = new ArrayList<>();
        try (SharedDevice device = SharedDevice.live(lane());
                HandoverConnection connection = device.connect()) {
            for (int i = 0; i < count; i++) {
                SharedMemory memory = SharedMemory.create("small", PAGE);
                memories.add(memory);
                connection.register(memory.fd(), false, "n".repeat(250) + i);
            }
            List<BufferEntry> entries = connection.list();
            assertThat(entries).hasSize(count);
            for (int i = 0; i < count; i++) {
                assertThat(entries.get(i).index()).isEqualTo(i);
                assertThat(entries.get(i).name()).endsWith("n" + i);
            }
        } finally {
            memories.forEach(SharedMemory::close);
        }
    }

    @Test
    void memoryComesAndGoesUnderVerifiedRequests() {
        try (SharedDevice device = SharedDevice.live(lane());
                Shared shared = new Shared(lane(), BYTES);
                HandoverConnection connection = device.connect()) {
            var churn =
                    meanwhile(() -> {
                        for (int round = 0; round < 200; round++) {
                            connection.unregister(
                                    connection.register(shared.file().fd(), false, "").index());
                        }
                        return true;
                    });
            while (!churn.isDone()) {
                device.transfersNotCopied(shared.client());
            }
            assertThat(churn.join()).isTrue();
        }
    }

    @Test
    void theSocketOfAServerThatIsGoneIsReplacedAndThatOfALiveOneIsNot() throws IOException {
        try (SharedDevice device = SharedDevice.live(lane())) {
            Path path = device.path();
            SharingOptions options = SharingOptions.defaults().withFolder(path.getParent());
            assertThatThrownBy(() -> SharingServer.start(device.device(), options))
                    .isInstanceOfSatisfying(
                            LinuxException.class,
                            e -> assertThat(e.errno()).isEqualTo(Errno.EADDRINUSE));
            assertThat(path).exists();
            device.server().close();
            assertThat(path).doesNotExist();

            // Closing a channel leaves its file, as a process that is killed does.
            ServerSocketChannel.open(StandardProtocolFamily.UNIX)
                    .bind(UnixDomainSocketAddress.of(path))
                    .close();
            assertThat(path).exists();
            try (SharingServer next = SharingServer.start(device.device(), options)) {
                HandoverConnection.open(next.path(), SharedDevice.LONG).close();
            }
            assertThat(path).doesNotExist();
            Files.writeString(path, "not a socket");
            assertThatThrownBy(() -> SharingServer.start(device.device(), options))
                    .isInstanceOf(LinuxException.class);
            Files.delete(path);
        }
    }
}
