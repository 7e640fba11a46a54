package com.example;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.ublk4j.client.BlockDevice;
import dev.ublk4j.embedded.EmbeddedDriver;
import dev.ublk4j.server.Device;
import dev.ublk4j.server.DeviceOptions;
import dev.ublk4j.targets.BackingFile;
import dev.ublk4j.targets.FileTarget;
import dev.ublk4j.testkit.client.ServedBlockDevice;
import dev.ublk4j.uapi.Feature;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Needs neither root nor a kernel with ublk. */
class ChecksumsTest {
    private static final int BLOCK = 64 * 1024;
    private static final int BLOCKS = 100;

    @TempDir Path folder;
    private Path file;
    private final int[] expected = new int[BLOCKS];

    @BeforeEach
    void makeTheFile() throws IOException {
        byte[] data = new byte[BLOCKS * BLOCK];
        new Random(1).nextBytes(data);
        for (int block = 0; block < BLOCKS; block++) {
            CRC32C crc = new CRC32C();
            crc.update(data, block * BLOCK, BLOCK);
            expected[block] = (int) crc.getValue();
        }
        file = Files.write(folder.resolve("disk.img"), data);
    }

    @Test
    void aDeviceThatSharesMemoryReadsIntoIt() {
        DeviceOptions options = DeviceOptions.defaults().with(Feature.SHMEM_ZC);
        BackingFile backing = BackingFile.open(file, BackingFile.Caching.BUFFERED, true);
        try (EmbeddedDriver driver = EmbeddedDriver.create();
                Device device = Device.start(driver, new FileTarget(backing), options)) {
            Checksums.Result result = Checksums.of(new ServedBlockDevice(driver, device));
            assertArrayEquals(expected, result.sums());
            assertTrue(result.shared());
            assertEquals(0, device.counters().copiedRequests());
        }
    }

    @Test
    void whatSharesNoMemoryIsReadAllTheSame() {
        Checksums.Result result = Checksums.of(BlockDevice.at(file));
        assertArrayEquals(expected, result.sums());
        assertFalse(result.shared());
    }
}
