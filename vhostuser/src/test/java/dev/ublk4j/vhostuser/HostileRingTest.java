package dev.ublk4j.vhostuser;

import static dev.ublk4j.vhostuser.TestRing.DATA;
import static dev.ublk4j.vhostuser.TestRing.IN;
import static dev.ublk4j.vhostuser.TestRing.INDIRECT;
import static dev.ublk4j.vhostuser.TestRing.NEXT;
import static dev.ublk4j.vhostuser.TestRing.OK;
import static dev.ublk4j.vhostuser.TestRing.OUT;
import static dev.ublk4j.vhostuser.TestRing.WRITE;
import static org.assertj.core.api.Assertions.assertThat;

import dev.ublk4j.server.Geometry;
import dev.ublk4j.server.Queue;
import dev.ublk4j.server.Request;
import dev.ublk4j.server.SimpleTarget;
import dev.ublk4j.vhostuser.ring.PackedDriver;
import java.nio.file.Files;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Clients whose rings make no sense lose their connection, and the next one is served. */
final class HostileRingTest extends HostileTest {
    static Stream<Arguments> faults() {
        return Stream.of(
                        faultsOfRequests().flatMap(HostileRingTest::ofBoth),
                        faultsOfSplitRings()
                                .map(fault -> Arguments.of(RingFormat.SPLIT, split(fault))),
                        faultsOfPackedRings()
                                .map(fault -> Arguments.of(RingFormat.PACKED, packed(fault))))
                .flatMap(faults -> faults);
    }

    private static Stream<Arguments> ofBoth(Named<Consumer<TestRing>> fault) {
        return Stream.of(RingFormat.values()).map(format -> Arguments.of(format, fault));
    }

    private static Named<Consumer<TestRing>> split(Named<Consumer<SplitTestRing>> fault) {
        return Named.of(fault.getName(), ring -> fault.getPayload().accept((SplitTestRing) ring));
    }

    private static Named<Consumer<TestRing>> packed(Named<Consumer<PackedTestRing>> fault) {
        return Named.of(fault.getName(), ring -> fault.getPayload().accept((PackedTestRing) ring));
    }

    private static Stream<Named<Consumer<TestRing>>> faultsOfRequests() {
        return Stream.of(
                Named.of(
                        "descriptors in a circle",
                        ring -> {
                            ring.request(0, OUT, 0, DATA, 512);
                            ring.descriptor(1, TestRing.guest(DATA), 512, NEXT, 1);
                            ring.offerAndKick(0);
                        }),
                Named.of("an indirect table of half a descriptor", ring -> bad(ring, INDIRECT, 24)),
                Named.of("an indirect table of nothing", ring -> bad(ring, INDIRECT, 0)),
                Named.of("an indirect table of 4 GiB", ring -> bad(ring, INDIRECT, -16)),
                Named.of(
                        "an indirect table of too many descriptors",
                        ring -> {
                            TestRing.Piece[] pieces = new TestRing.Piece[2000];
                            for (int i = 0; i < pieces.length; i++) {
                                pieces[i] = new TestRing.Piece(TestRing.guest(DATA), 16, 0);
                            }
                            ring.table(DATA, pieces);
                            bad(ring, INDIRECT, 2000 * 16);
                        }),
                Named.of(
                        "an indirect table that reaches beyond memory",
                        ring -> {
                            long end = TestClient.GUEST + MEMORY - 16;
                            ring.descriptor(0, end, 32, INDIRECT, 0);
                            ring.offerAndKick(0);
                        }),
                Named.of(
                        "an indirect table at no address",
                        ring -> {
                            ring.descriptor(0, TestRing.guest(DATA) + 4, 32, INDIRECT, 0);
                            ring.offerAndKick(0);
                        }),
                Named.of(
                        "an indirect table that goes on",
                        ring -> {
                            ring.request(0, IN, 0, DATA, 512);
                            ring.descriptor(0, TestRing.guest(DATA), 16, INDIRECT | NEXT, 1);
                            ring.offerAndKick(0);
                        }),
                Named.of("data outside of memory", ring -> data(ring, 0x50, 512)),
                Named.of(
                        "data that reaches beyond memory",
                        ring -> data(ring, TestClient.GUEST + MEMORY - 511, 512)),
                Named.of("data whose end wraps around", ring -> data(ring, -256L, 512)),
                Named.of("data of 4 GiB less a byte", ring -> data(ring, TestClient.GUEST, -1)),
                Named.of("data of no bytes", ring -> data(ring, TestRing.guest(DATA), 0)),
                Named.of(
                        "something to read after something to write",
                        ring -> {
                            ring.request(0, IN, 0, DATA, 512);
                            ring.descriptor(2, TestRing.guest(DATA), 16, 0, 0);
                            ring.offerAndKick(0);
                        }),
                Named.of(
                        "a request without a status",
                        ring -> {
                            ring.header(0, OUT, 0);
                            ring.descriptor(0, TestRing.guest(ring.headerOf(0)), 16, 0, 0);
                            ring.offerAndKick(0);
                        }),
                Named.of(
                        "a request with half a header",
                        ring -> {
                            ring.request(0, OUT, 0, 0, 0);
                            ring.descriptor(0, TestRing.guest(ring.headerOf(0)), 15, NEXT, 1);
                            ring.offerAndKick(0);
                        }));
    }

    private static Stream<Named<Consumer<SplitTestRing>>> faultsOfSplitRings() {
        return Stream.of(
                Named.of(
                        "an indirect table in a circle",
                        ring -> {
                            for (int i = 0; i < 4; i++) {
                                ring.descriptorAt(
                                        DATA + 16 * i, TestRing.guest(DATA), 16, NEXT, (i + 1) % 4);
                            }
                            bad(ring, INDIRECT, 64);
                        }),
                Named.of(
                        "an indirect table in an indirect table",
                        ring -> {
                            ring.descriptorAt(DATA, TestRing.guest(DATA), 16, INDIRECT, 0);
                            bad(ring, INDIRECT, 16);
                        }),
                Named.of(
                        "a descriptor beyond the ring",
                        ring -> {
                            ring.request(0, IN, 0, DATA, 512);
                            ring.descriptor(
                                    1, TestRing.guest(DATA), 512, NEXT | WRITE, TestRing.SIZE);
                            ring.offerAndKick(0);
                        }),
                Named.of("a head beyond the ring", ring -> ring.offerAndKick(0x7fff)),
                Named.of(
                        "an index that jumps",
                        ring -> {
                            ring.request(0, IN, 0, DATA, 512);
                            ring.setAvailable(TestRing.SIZE + 1);
                            ring.kick.signal();
                        }),
                Named.of(
                        "an index that goes back",
                        ring -> {
                            ring.setAvailable(-1);
                            ring.kick.signal();
                        }));
    }

    private static Stream<Named<Consumer<PackedTestRing>>> faultsOfPackedRings() {
        return Stream.of(
                Named.of("a number beyond the ring", ring -> offerAs(ring, TestRing.SIZE)),
                Named.of("the largest number", ring -> offerAs(ring, 0xffff)),
                Named.of(
                        "an indirect table behind another descriptor",
                        ring -> {
                            ring.request(0, IN, 0, DATA, 512);
                            ring.descriptor(1, TestRing.guest(DATA), 16, INDIRECT | WRITE, 0);
                            ring.offerAndKick(0);
                        }),
                Named.of(
                        "a request that goes on with what is not available",
                        ring -> {
                            ring.request(0, IN, 0, DATA, 512);
                            ring.descriptor(2, TestRing.guest(DATA), 16, NEXT | WRITE, 3);
                            ring.descriptor(3, TestRing.guest(DATA), 16, WRITE, 0);
                            int third = (ring.here() & 0x7fff) + 3;
                            ring.driver.onOffering(() -> ring.driver.setFlags(third, WRITE));
                            ring.offerAndKick(0);
                        }),
                Named.of(
                        "a request that goes on with what has been used",
                        ring -> {
                            ring.request(0, IN, 0, DATA, 512);
                            int second = (ring.here() & 0x7fff) + 1;
                            int used = PackedDriver.AVAIL | PackedDriver.USED;
                            ring.driver.onOffering(
                                    () -> ring.driver.setFlags(second, used | NEXT | WRITE));
                            ring.offerAndKick(0);
                        }));
    }

    private static void bad(TestRing ring, int flags, int length) {
        ring.descriptor(0, TestRing.guest(DATA), length, flags, 0);
        ring.offerAndKick(0);
    }

    private static void data(TestRing ring, long guest, int bytes) {
        ring.request(0, IN, 0, DATA, 512);
        ring.descriptor(1, guest, bytes, NEXT | WRITE, 2);
        ring.offerAndKick(0);
    }

    private static void offerAs(PackedTestRing ring, int id) {
        ring.request(0, IN, 0, DATA, 512);
        ring.offerAs(0, id);
        ring.kick.signal();
    }

    @ParameterizedTest
    @MethodSource("faults")
    void aRingThatMakesNoSenseEndsTheConnection(RingFormat format, Consumer<TestRing> fault) {
        try (TestClient client = TestClient.withMemory(disk.socket(), format)) {
            TestRing ring = TestRing.of(client, 0).started();
            assertThat(ring.run(IN, 0, DATA, 512)).isEqualTo(OK);
            // From here on something has been answered: the fault is not in the first request.
            fault.accept(ring);
            assertThat(client.isDropped()).isTrue();
            assertThat(ring.answered()).isEqualTo(1);
        }
    }

    @ParameterizedTest
    @EnumSource
    void oneRequestIsNotTakenTwice(RingFormat format) throws Exception {
        Held target = new Held();
        try (TestExport held =
                        new TestExport(target, 1, Files.createTempDirectory(folder, "held"));
                TestClient client = TestClient.withMemory(held.socket(), format)) {
            TestRing ring = TestRing.of(client, 0).started();
            ring.request(0, IN, 0, DATA, 512);
            ring.offerAndKick(0);
            ring.offerAndKick(0);
            long id = target.await();
            // The connection ends when the first is answered, and nothing is written after that.
            target.queue.complete(id, 512);
            assertThat(client.isDropped()).isTrue();
            assertThat(ring.answered()).isZero();
        }
    }

    /** Keeps its requests. */
    private static final class Held implements SimpleTarget {
        private final AtomicLong id = new AtomicLong(-1);
        private volatile Queue queue;

        @Override
        public Geometry geometry() {
            return Geometry.ofSize(DISK_BYTES);
        }

        @Override
        public int read(Request request) {
            queue = request.queue();
            id.set(request.id());
            return Request.PENDING;
        }

        @Override
        public int write(Request request) {
            return read(request);
        }

        long await() throws InterruptedException {
            while (id.get() == -1) {
                Thread.sleep(1);
            }
            return id.get();
        }
    }

    @ParameterizedTest
    @MethodSource("bases")
    void aBaseThatCannotBeIsRefused(int base) {
        try (TestClient client = TestClient.withMemory(disk.socket(), RingFormat.PACKED)) {
            PackedTestRing ring = new PackedTestRing(client, 0);
            ring.configure();
            client.tell(TestClient.SET_VRING_BASE, TestClient.pair(0, base));
            assertThat(client.acknowledged(TestClient.SET_VRING_ENABLE, TestClient.pair(0, 1)))
                    .isNotZero();
        }
    }

    static Stream<Named<Integer>> bases() {
        return Stream.of(
                Named.of("beyond the ring", TestRing.SIZE | TestRing.SIZE << 16),
                Named.of("with a request out", 0x8000_8001),
                Named.of("with a ring of them out", 0x0000_8000 << 16 | 1));
    }
}
