package dev.ublk4j.vhostuser;

import static dev.ublk4j.vhostuser.TestRing.DATA;
import static dev.ublk4j.vhostuser.TestRing.IN;
import static dev.ublk4j.vhostuser.TestRing.OK;
import static org.assertj.core.api.Assertions.assertThat;

import dev.ublk4j.targets.MemoryTarget;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;

/** Whatever has been done to a disk, the next client is served. */
abstract sealed class HostileTest permits HostileClientTest, HostileRingTest {
    static final int DISK_BYTES = 16 << 20;
    static final long MEMORY = TestClient.MEMORY_BYTES;

    @TempDir Path folder;

    TestExport disk;

    @BeforeEach
    void serve() {
        disk = new TestExport(new MemoryTarget(DISK_BYTES), 1, folder);
    }

    @AfterEach
    void theNextClientIsServed() {
        try (TestExport served = disk;
                TestClient client = TestClient.withMemory(served.socket())) {
            TestRing ring = TestRing.of(client, 0).started();
            assertThat(ring.run(IN, 0, DATA, 512)).isEqualTo(OK);
        }
    }
}
