package dev.ublk4j.vhostuser;

import static dev.ublk4j.vhostuser.TestRing.DATA;
import static dev.ublk4j.vhostuser.TestRing.IN;
import static dev.ublk4j.vhostuser.TestRing.INDIRECT;
import static dev.ublk4j.vhostuser.TestRing.IOERR;
import static dev.ublk4j.vhostuser.TestRing.OK;
import static dev.ublk4j.vhostuser.TestRing.OUT;
import static dev.ublk4j.vhostuser.TestRing.WRITE;
import static org.assertj.core.api.Assertions.assertThat;

import dev.ublk4j.targets.NullTarget;
import dev.ublk4j.vhostuser.TestRing.Piece;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** No client chooses how much memory its device takes. */
@DisplayName("A client that asks for much")
final class GreedyClientTest {
    private static final long DISK_BYTES = 1L << 40;
    private static final int ALIAS_BYTES = 2 << 20;

    @TempDir private Path folder;

    private TestExport disk;

    @BeforeEach
    void serve() {
        disk = new TestExport(new NullTarget(DISK_BYTES), 1, folder);
    }

    @AfterEach
    void stop() {
        disk.close();
    }

    /** A request whose data is the same piece of memory again and again, not aligned. */
    private static void aliased(TestRing ring, int number, int type, int table, int pieces) {
        List<Piece> list = new ArrayList<>();
        long header = TestRing.guest(ring.headerOf(number));
        list.add(new Piece(header, 16, 0));
        for (int i = 0; i < pieces; i++) {
            int write = type == IN ? WRITE : 0;
            list.add(new Piece(TestRing.guest(DATA + 1), ALIAS_BYTES, write));
        }
        list.add(new Piece(header + 16, 1, WRITE));
        ring.header(number, type, 0);
        ring.table(table, list.toArray(Piece[]::new));
        ring.descriptor(number, TestRing.guest(table), list.size() * 16, INDIRECT, 0);
    }

    @ParameterizedTest
    @ValueSource(ints = {IN, OUT})
    void getsAnErrorWhereOneRequestIsMoreThanThereIs(int type) {
        try (TestClient client = TestClient.withMemory(disk.socket())) {
            TestRing ring = TestRing.of(client, 0).started();
            aliased(ring, 0, type, 0xe000, 100);
            ring.offerAndKick(0);
            ring.awaitUsed(0);
            assertThat(ring.status(0)).isEqualTo(IOERR);
            assertThat(disk.export.bounces()).isZero();
            assertThat(ring.run(IN, 0, DATA + 1, 512)).isEqualTo(OK);
        }
    }

    @ParameterizedTest
    @EnumSource(RingFormat.class)
    void getsAllAnswersWhereTheyAreMoreTogetherThanThereIs(RingFormat format) {
        try (TestClient client = TestClient.withMemory(disk.socket(), format)) {
            TestRing ring = TestRing.of(client, 0).started();
            // Each takes half of what there is: a request waits for those before it.
            for (int number = 0; number < 5; number++) {
                aliased(ring, number, number % 2 == 0 ? IN : OUT, 0xe000 + number * 0x180, 16);
            }
            for (int number = 0; number < 5; number++) {
                ring.offer(number);
            }
            ring.kick.signal();
            for (int number = 0; number < 5; number++) {
                ring.awaitUsed(number);
                assertThat(ring.status(number)).isEqualTo(OK);
            }
            assertThat(disk.export.bounces()).isEqualTo(5);
            assertThat(ring.base()).isEqualTo(ring.here());
        }
    }

    @Test
    void getsAnErrorWhereItIsMoreThanTheDiskHas() throws Exception {
        Path other = Files.createDirectory(folder.resolve("small"));
        try (TestExport small = new TestExport(new NullTarget(1 << 20), 1, other);
                TestClient client = TestClient.withMemory(small.socket())) {
            TestRing ring = TestRing.of(client, 0).started();
            aliased(ring, 0, IN, 0xe000, 1);
            ring.offerAndKick(0);
            ring.awaitUsed(0);
            assertThat(ring.status(0)).isEqualTo(IOERR);
            assertThat(small.export.bounces()).isZero();
        }
    }

    private static ByteBuffer inflight(long rings, long size) {
        return TestClient.payload(0, 0, rings | size << 16);
    }

    @Test
    void getsNoMemoryForRingsThatTheDiskDoesNotHave() {
        for (long[] wanted : new long[][] {{2, 64}, {1, 1025}, {4096, 32768}, {0, 64}, {1, 0}}) {
            try (TestClient client = TestClient.withMemory(disk.socket())) {
                client.send(TestClient.GET_INFLIGHT_FD, inflight(wanted[0], wanted[1]));
                assertThat(client.isDropped()).isTrue();
            }
        }
    }

    @ParameterizedTest
    @EnumSource(RingFormat.class)
    void getsNoRingOfASizeThatCannotBe(RingFormat format) {
        try (TestClient client = TestClient.withMemory(disk.socket(), format)) {
            TestRing ring = TestRing.of(client, 0);
            ring.configure();
            for (int size : new int[] {Integer.MIN_VALUE, -2, 0, 1025, 2048, Integer.MAX_VALUE}) {
                client.acknowledged(TestClient.SET_VRING_NUM, TestClient.pair(0, size));
                assertThat(client.acknowledged(TestClient.SET_VRING_ENABLE, TestClient.pair(0, 1)))
                        .as("a ring of %d", size)
                        .isNotZero();
            }
            client.tell(TestClient.SET_VRING_NUM, TestClient.pair(0, TestRing.SIZE));
            client.tell(TestClient.SET_VRING_ENABLE, TestClient.pair(0, 1));
            assertThat(ring.run(IN, 0, DATA, 512)).isEqualTo(OK);
        }
    }
}
