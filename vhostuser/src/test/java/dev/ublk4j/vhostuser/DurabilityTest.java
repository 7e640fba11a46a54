package dev.ublk4j.vhostuser;

import static dev.ublk4j.vhostuser.TestRing.DATA;
import static dev.ublk4j.vhostuser.TestRing.DISCARD;
import static dev.ublk4j.vhostuser.TestRing.OK;
import static dev.ublk4j.vhostuser.TestRing.OUT;
import static dev.ublk4j.vhostuser.TestRing.WRITE_ZEROES;
import static org.assertj.core.api.Assertions.assertThat;

import dev.ublk4j.server.Geometry;
import dev.ublk4j.server.Request;
import dev.ublk4j.server.SimpleTarget;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@DisplayName("What a client has been told is done")
final class DurabilityTest {
    private static final long FLUSH = 1L << 9;
    private static final long CONFIG_WCE = 1L << 11;
    private static final int WRITEBACK = 32;
    private static final int CONFIG_BYTES = 60;

    @TempDir private Path folder;

    private final Cached target = new Cached();
    private TestExport disk;

    /** A target with a cache, which counts what would be lost with it. */
    private static final class Cached
            implements SimpleTarget, SimpleTarget.Discards, SimpleTarget.WritesZeroes {
        final AtomicInteger cached = new AtomicInteger();
        final AtomicInteger flushes = new AtomicInteger();

        @Override
        public Geometry geometry() {
            return Geometry.ofSize(16 << 20)
                    .withVolatileCache()
                    .withDiscard(4096)
                    .withWriteZeroes();
        }

        @Override
        public int read(Request request) {
            return (int) request.length();
        }

        @Override
        public int write(Request request) {
            cached.incrementAndGet();
            return (int) request.length();
        }

        @Override
        public int discard(Request request) {
            cached.incrementAndGet();
            return 0;
        }

        @Override
        public int writeZeroes(Request request) {
            cached.incrementAndGet();
            return 0;
        }

        @Override
        public int flush(Request request) {
            flushes.incrementAndGet();
            cached.set(0);
            return 0;
        }
    }

    @BeforeEach
    void serve() {
        disk = new TestExport(target, 1, folder);
    }

    @AfterEach
    void stop() {
        disk.close();
    }

    private void changeInEveryWay(TestRing ring, int lost) {
        target.cached.set(0);
        assertThat(ring.run(OUT, 0, DATA, 4096)).isEqualTo(OK);
        assertThat(target.cached).as("of a write").hasValue(lost);
        target.cached.set(0);
        assertThat(ring.runRange(WRITE_ZEROES, 0, 8, 0)).isEqualTo(OK);
        assertThat(target.cached).as("of zeroes").hasValue(lost);
        target.cached.set(0);
        assertThat(ring.runRange(WRITE_ZEROES, 0, 8, 1)).isEqualTo(OK);
        assertThat(target.cached).as("of zeroes that give space back").hasValue(lost);
        target.cached.set(0);
        assertThat(ring.runRange(DISCARD, 0, 8, 0)).isEqualTo(OK);
        assertThat(target.cached).as("of a discard").hasValue(lost);
    }

    private static int writeback(TestClient client) {
        ByteBuffer ask = ByteBuffer.allocate(12 + CONFIG_BYTES).order(ByteOrder.LITTLE_ENDIAN);
        ask.putInt(4, CONFIG_BYTES);
        return client.ask(TestClient.GET_CONFIG, ask).get(12 + WRITEBACK);
    }

    private static ByteBuffer config(int offset, int value) {
        ByteBuffer bytes = ByteBuffer.allocate(13).order(ByteOrder.LITTLE_ENDIAN);
        return bytes.putInt(offset).putInt(1).putInt(0).put((byte) value).flip();
    }

    @Test
    void isDurableWhereItCannotFlush() {
        try (TestClient client = TestClient.withMemory(disk.socket(), RingFormat.SPLIT, FLUSH)) {
            assertThat(writeback(client)).isZero();
            changeInEveryWay(TestRing.of(client, 0).started(), 0);
        }
    }

    @Test
    void isItsOwnToFlushWhereItCan() {
        try (TestClient client = TestClient.withMemory(disk.socket())) {
            assertThat(writeback(client)).isOne();
            changeInEveryWay(TestRing.of(client, 0).started(), 1);
            assertThat(target.flushes).hasValue(0);
        }
    }

    @Test
    void isDurableFromWhenItSaysThatItFlushesNoMore() {
        try (TestClient client = TestClient.withMemory(disk.socket())) {
            TestRing ring = TestRing.of(client, 0).started();
            assertThat(ring.run(OUT, 0, DATA, 4096)).isEqualTo(OK);
            client.tell(TestClient.SET_CONFIG, config(WRITEBACK, 0));
            assertThat(target.cached).as("of what was written before").hasValue(0);
            assertThat(writeback(client)).isZero();
            changeInEveryWay(ring, 0);
            client.tell(TestClient.SET_CONFIG, config(WRITEBACK, 1));
            assertThat(writeback(client)).isOne();
            changeInEveryWay(ring, 1);
        }
    }

    @Test
    void isNotChangedByAnythingElseInTheConfiguration() {
        try (TestClient client = TestClient.withMemory(disk.socket())) {
            assertThat(client.acknowledged(TestClient.SET_CONFIG, config(33, 0))).isNotZero();
            assertThat(client.acknowledged(TestClient.SET_CONFIG, config(0, 0))).isNotZero();
        }
        try (TestClient client =
                TestClient.withMemory(disk.socket(), RingFormat.SPLIT, CONFIG_WCE)) {
            assertThat(client.acknowledged(TestClient.SET_CONFIG, config(WRITEBACK, 0)))
                    .isNotZero();
            assertThat(writeback(client)).isOne();
        }
    }
}
