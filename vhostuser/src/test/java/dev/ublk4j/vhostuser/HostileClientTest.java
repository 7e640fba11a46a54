package dev.ublk4j.vhostuser;

import static dev.ublk4j.vhostuser.TestRing.DATA;
import static dev.ublk4j.vhostuser.TestRing.IN;
import static dev.ublk4j.vhostuser.TestRing.NEXT;
import static dev.ublk4j.vhostuser.TestRing.OK;
import static dev.ublk4j.vhostuser.TestRing.OUT;
import static dev.ublk4j.vhostuser.TestRing.WRITE;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.ublk4j.linux.Fd;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.linux.call.Syscall;
import dev.ublk4j.sharedmemory.SharedMemory;
import dev.ublk4j.targets.MemoryTarget;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Clients that break the rules lose their connection, and the next one is served. */
final class HostileClientTest extends HostileTest {
    static Stream<Named<Consumer<TestClient>>> messages() {
        return Stream.of(
                Named.of(
                        "a message that is too long",
                        client -> client.send(1, 1, 4097, TestClient.payload())),
                Named.of(
                        "a message of a negative length",
                        client -> client.send(1, 1, -1, TestClient.payload())),
                Named.of(
                        "a message of another version",
                        client -> client.send(1, 2, 0, TestClient.payload())),
                Named.of(
                        "a message that there is not",
                        client -> client.send(4711, TestClient.payload())),
                Named.of(
                        "a log of what is written",
                        client -> client.send(6, TestClient.payload(4096, 0))),
                Named.of(
                        "half a payload",
                        client ->
                                client.send(
                                        TestClient.SET_VRING_NUM, TestClient.pair(0, 1).limit(4))),
                Named.of(
                        "features that were not offered",
                        client ->
                                client.send(TestClient.SET_FEATURES, TestClient.payload(1L << 60))),
                Named.of(
                        "a kick without a descriptor",
                        client -> client.send(TestClient.SET_VRING_KICK, TestClient.payload(0))),
                Named.of(
                        "memory for requests in flight without a descriptor",
                        client ->
                                client.send(
                                        TestClient.SET_INFLIGHT_FD,
                                        TestClient.payload(4096, 0, 1L | 64L << 16))));
    }

    @ParameterizedTest
    @MethodSource("messages")
    void aMessageThatMakesNoSenseEndsTheConnection(Consumer<TestClient> fault) {
        try (TestClient client = TestClient.negotiated(disk.socket())) {
            fault.accept(client);
            assertThat(client.isDropped()).isTrue();
        }
    }

    static Stream<Named<ByteBuffer>> regions() {
        return Stream.of(
                Named.of("larger than its file", TestClient.region(0, MEMORY + 1, 0, 0)),
                Named.of("behind the end of its file", TestClient.region(0, 4096, 0, MEMORY)),
                Named.of("of no bytes", TestClient.region(0, 0, 0, 0)),
                Named.of("of a negative length", TestClient.region(0, -4096, 0, 0)),
                Named.of("at a negative offset", TestClient.region(0, 4096, 0, -4096)),
                Named.of("not at a page of its file", TestClient.region(0, 4096, 0, 512)),
                Named.of("not at a page of the guest", TestClient.region(512, 4096, 0, 0)),
                Named.of("whose end wraps around", TestClient.region(-4096, 8192, 0, 0)),
                Named.of(
                        "whose length and offset wrap around",
                        TestClient.region(0, Long.MAX_VALUE - 4095, 0, 8192)),
                Named.of(
                        "on top of another",
                        TestClient.region(TestClient.GUEST + MEMORY - 4096, 8192, 0, 0)),
                Named.of("of pages that another has", TestClient.region(0, 4096, 0, 0)));
    }

    @ParameterizedTest
    @MethodSource("regions")
    void aRegionThatCannotBeIsRefusedAndTheOthersStay(ByteBuffer region) {
        try (TestClient client = TestClient.withMemory(disk.socket())) {
            Fd file = client.file().fd();
            assertThat(client.acknowledged(TestClient.ADD_MEM_REG, region.duplicate(), file))
                    .isNotZero();
            TestRing ring = TestRing.of(client, 0).started();
            assertThat(ring.run(IN, 0, DATA, 512)).isEqualTo(OK);
        }
    }

    @Test
    void aRingOutsideOfMemoryIsNotServed() {
        try (TestClient client = TestClient.negotiated(disk.socket())) {
            TestRing ring = TestRing.of(client, 0);
            assertThatThrownBy(ring::started).isInstanceOf(AssertionError.class);
        }
    }

    @Test
    void onlyAnEventCounterCanKickAndCall() throws IOException {
        Path file = Files.createFile(folder.resolve("file"));
        try (TestClient client = TestClient.withMemory(disk.socket());
                Fd fd = Fd.open(file, Fd.O_RDWR)) {
            ByteBuffer ring = TestClient.payload(0);
            assertThat(client.acknowledged(TestClient.SET_VRING_KICK, ring.duplicate(), fd))
                    .isNotZero();
            assertThat(client.acknowledged(TestClient.SET_VRING_CALL, ring, fd)).isNotZero();
        }
    }

    @Test
    void theMemoryOfRequestsInFlightStaysWhileARingUsesIt() {
        try (TestClient client = TestClient.withMemory(disk.socket())) {
            ByteBuffer wanted = TestClient.payload(0, 0, 1L | (long) TestRing.SIZE << 16);
            long bytes = client.ask(TestClient.GET_INFLIGHT_FD, wanted).getLong(0);
            ByteBuffer inflight =
                    TestClient.payload(bytes, 0, 1L | (long) TestRing.SIZE << 16).limit(20);
            try (Fd fd = client.takeReceived()) {
                client.tell(TestClient.SET_INFLIGHT_FD, inflight.duplicate(), fd);
                TestRing ring = TestRing.of(client, 0).started();
                assertThat(ring.run(IN, 0, DATA, 512)).isEqualTo(OK);
                assertThat(client.acknowledged(TestClient.SET_INFLIGHT_FD, inflight, fd))
                        .isNotZero();
                assertThat(ring.run(IN, 0, DATA, 512)).isEqualTo(OK);
            }
        }
    }

    @Test
    void theMemoryOfRequestsInFlightIsAsLongAsItIsSaidToBe() {
        try (TestClient client = TestClient.withMemory(disk.socket())) {
            long rings = 1L | (long) TestRing.SIZE << 16;
            ByteBuffer wanted = TestClient.payload(0, 0, rings);
            long bytes = client.ask(TestClient.GET_INFLIGHT_FD, wanted).getLong(0);
            try (Fd fd = client.takeReceived()) {
                for (long said : new long[] {0, 1, -1, bytes + 1, 1L << 40, Long.MIN_VALUE}) {
                    ByteBuffer inflight = TestClient.payload(said, 0, rings).limit(20);
                    assertThat(client.acknowledged(TestClient.SET_INFLIGHT_FD, inflight, fd))
                            .as("%d bytes", said)
                            .isNotZero();
                }
                ByteBuffer inflight = TestClient.payload(bytes, 0, rings).limit(20);
                client.tell(TestClient.SET_INFLIGHT_FD, inflight, fd);
            }
        }
    }

    @Test
    void aCounterThatIsFullHoldsNobodyUp() {
        try (TestClient client = TestClient.withMemory(disk.socket());
                Arena arena = Arena.ofConfined()) {
            TestRing ring = TestRing.of(client, 0).started();
            ring.forgetCalls();
            Fd call = ring.call.fd();
            MemorySegment most = arena.allocateFrom(JAVA_LONG, -2L);
            assertThat(Syscall.call(Syscall.Call.WRITE, call.number(), most.address(), 8))
                    .isEqualTo(8);
            int setFlags = 4;
            assertThat(Syscall.call(Syscall.Call.FCNTL, call.number(), setFlags, 0)).isZero();
            ring.request(0, IN, 0, DATA, 512);
            ring.offerAndKick(0);
            ring.awaitUsed(0);
            // The queue's thread waits in its call now, until whoever stops the ring helps it.
            assertThat(ring.base()).isEqualTo(1);
        }
    }

    @Test
    void memoryIsSealedWhereThatIsPossible() {
        try (TestClient client = TestClient.withMemory(disk.socket())) {
            assertThatThrownBy(() -> client.file().fd().truncate(4096))
                    .isInstanceOf(LinuxException.class);
        }
    }

    @Test
    void memoryThatCannotBeSealedIsRefusedWhereOnlySealedIsWanted() throws IOException {
        Path other = Files.createTempDirectory(folder, "sealed");
        Path file = Path.of("/dev/shm/ublk4j-test-" + ProcessHandle.current().pid());
        try (TestExport strict =
                        new TestExport(
                                new MemoryTarget(DISK_BYTES),
                                1,
                                other,
                                options -> options.withSealedOnly(true));
                TestClient client = TestClient.negotiated(strict.socket());
                SharedMemory unsealed = SharedMemory.createFile(file, 4096, 0600)) {
            Files.delete(file);
            assertThat(
                            client.acknowledged(
                                    TestClient.ADD_MEM_REG,
                                    TestClient.region(0, 4096, 0, 0),
                                    unsealed.fd()))
                    .isNotZero();
        }
    }

    @Test
    void aClientThatCutsItsMemoryShortFailsItsOwnRequests() throws IOException {
        Path file = Path.of("/dev/shm/ublk4j-cut-" + ProcessHandle.current().pid());
        try (TestClient client = TestClient.withMemory(disk.socket());
                SharedMemory unsealed = SharedMemory.createFile(file, 1 << 20, 0600)) {
            Files.delete(file);
            long guest = 0x8000_0000L;
            client.tell(
                    TestClient.ADD_MEM_REG,
                    TestClient.region(guest, 1 << 20, 0x6000_0000_0000L, 0),
                    unsealed.fd());
            TestRing ring = TestRing.of(client, 0).started();
            unsealed.fd().truncate(0);
            for (int type = IN; type <= OUT; type++) {
                int write = type == IN ? WRITE : 0;
                ring.header(0, type, 0);
                ring.descriptor(0, TestRing.guest(ring.headerOf(0)), 16, NEXT, 1);
                ring.descriptor(1, guest, 4096, NEXT | write, 2);
                ring.descriptor(2, TestRing.guest(ring.headerOf(0) + 16), 1, WRITE, 0);
                ring.offerAndKick(0);
                ring.awaitUsed(0);
                assertThat(ring.status(0)).isEqualTo(TestRing.IOERR);
            }
        }
    }
}
