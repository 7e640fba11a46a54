package dev.ublk4j.vhostuser;

import static dev.ublk4j.vhostuser.TestRing.DATA;
import static dev.ublk4j.vhostuser.TestRing.DISCARD;
import static dev.ublk4j.vhostuser.TestRing.IN;
import static dev.ublk4j.vhostuser.TestRing.IOERR;
import static dev.ublk4j.vhostuser.TestRing.NEXT;
import static dev.ublk4j.vhostuser.TestRing.OK;
import static dev.ublk4j.vhostuser.TestRing.OUT;
import static dev.ublk4j.vhostuser.TestRing.UNSUPP;
import static dev.ublk4j.vhostuser.TestRing.WRITE;
import static dev.ublk4j.vhostuser.TestRing.WRITE_ZEROES;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.assertj.core.api.Assertions.assertThat;

import dev.ublk4j.targets.MemoryTarget;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The requests of QEMU's own test of vhost-user-blk devices, and what it wants as answers. */
@DisplayName("A vhost-user device, as QEMU tests one,")
final class QemuSequenceTest {
    private static final int SECTOR = 512;
    private static final int DISK_BYTES = 64 << 20;

    @TempDir private Path folder;

    private TestExport disk;

    @BeforeEach
    void serve() {
        disk = new TestExport(new MemoryTarget(DISK_BYTES), 1, folder);
    }

    @AfterEach
    void stop() {
        disk.close();
    }

    /** A request with ranges as its data; answers its status. */
    private static int ranges(TestRing ring, int type, long sector, long sectors, int flags) {
        return ring.runRange(type, sector, (int) sectors, flags);
    }

    private static int twoRanges(TestClient client, TestRing ring, int type) {
        for (int sector = 0; sector < 2; sector++) {
            int at = DATA + sector * 16;
            client.memory().set(JAVA_LONG, at, sector);
            client.memory().set(JAVA_INT, at + 8, 1);
            client.memory().set(JAVA_INT, at + 12, 0);
        }
        return ring.run(type, 0, DATA, 32);
    }

    private static void text(TestClient client, String text) {
        client.memory().asSlice(DATA, SECTOR).fill((byte) 0);
        client.memory().setString(DATA, text, StandardCharsets.US_ASCII);
    }

    private static String textOf(TestClient client) {
        return client.memory().getString(DATA, StandardCharsets.US_ASCII);
    }

    private static void assertInvalidOnesAreRefused(TestClient client, TestRing ring, int type) {
        assertThat(twoRanges(client, ring, type)).as("two ranges").isEqualTo(UNSUPP);
        assertThat(ranges(ring, type, 0, 0xffff_ffffL, 0)).as("too many").isEqualTo(IOERR);
        assertThat(ranges(ring, type, DISK_BYTES / SECTOR + 1, 1, 0))
                .as("too far")
                .isEqualTo(IOERR);
        assertThat(ranges(ring, type, 0, 1, ~1)).as("reserved flags").isEqualTo(UNSUPP);
    }

    @ParameterizedTest
    @EnumSource(RingFormat.class)
    void answersEveryRequest(RingFormat format) {
        try (TestClient client = TestClient.withMemory(disk.socket(), format)) {
            TestRing ring = TestRing.of(client, 0).started();

            text(client, "TEST");
            assertThat(ring.run(OUT, 0, DATA, SECTOR)).isEqualTo(OK);
            text(client, "");
            assertThat(ring.run(IN, 0, DATA, SECTOR)).isEqualTo(OK);
            assertThat(textOf(client)).isEqualTo("TEST");

            text(client, "TEST");
            assertThat(ring.run(OUT, 1, DATA, SECTOR)).isEqualTo(OK);
            assertThat(ranges(ring, WRITE_ZEROES, 1, 1, 0)).isEqualTo(OK);
            text(client, "not read");
            assertThat(ring.run(IN, 1, DATA, SECTOR)).isEqualTo(OK);
            assertThat(textOf(client)).isEmpty();
            assertInvalidOnesAreRefused(client, ring, WRITE_ZEROES);

            assertThat(ranges(ring, DISCARD, 0, 1, 0)).isEqualTo(OK);
            assertInvalidOnesAreRefused(client, ring, DISCARD);
            assertThat(ranges(ring, DISCARD, 0, 1, 1)).as("unmap").isEqualTo(UNSUPP);

            anyLayout(client, ring);
        }
    }

    /** Header and data in one descriptor; data and status in one. */
    private static void anyLayout(TestClient client, TestRing ring) {
        int request = DATA + 4 * SECTOR;
        client.memory().asSlice(request, 16).fill((byte) 0);
        client.memory().set(JAVA_INT, request, OUT);
        client.memory().set(JAVA_LONG, request + 8, 1);
        client.memory().asSlice(request + 16, SECTOR).fill((byte) 0);
        client.memory().setString(request + 16, "TEST", StandardCharsets.US_ASCII);
        int status = request + 16 + SECTOR;
        client.memory().set(JAVA_BYTE, status, (byte) 0xff);
        ring.descriptor(0, TestRing.guest(request), 16 + SECTOR, NEXT, 1);
        ring.descriptor(1, TestRing.guest(status), 1, WRITE, 0);
        ring.offerAndKick(0);
        assertThat(ring.awaitUsed(0)).isOne();
        assertThat(client.memory().get(JAVA_BYTE, status)).isEqualTo((byte) OK);

        client.memory().set(JAVA_INT, request, IN);
        client.memory().asSlice(request + 16, SECTOR).fill((byte) 0);
        client.memory().set(JAVA_BYTE, status, (byte) 0xff);
        ring.descriptor(0, TestRing.guest(request), 16, NEXT, 1);
        ring.descriptor(1, TestRing.guest(request + 16), SECTOR + 1, WRITE, 0);
        ring.offerAndKick(0);
        assertThat(ring.awaitUsed(0)).isEqualTo(SECTOR + 1);
        assertThat(client.memory().get(JAVA_BYTE, status)).isEqualTo((byte) OK);
        assertThat(client.memory().getString(request + 16, StandardCharsets.US_ASCII))
                .isEqualTo("TEST");
    }
}
