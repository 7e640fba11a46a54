package com.example;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.testkit.Exerciser;
import dev.ublk4j.testkit.TestBed;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

/** Needs neither root nor a kernel with ublk: the driver runs in the test's own process. */
class RamDiskTest {
    private static final int SIZE = 1 << 20;

    @Test
    void readsWhatWasWritten() {
        byte[] block = filled(4096);
        try (TestBed bed = TestBed.of(new RamDisk(SIZE))) {
            bed.write(8192, block);
            assertArrayEquals(block, bed.read(8192, block.length));
        }
    }

    @Test
    void aDiscardedRangeReadsAsZeroes() {
        try (TestBed bed = TestBed.of(new RamDisk(SIZE))) {
            bed.write(0, filled(4096));
            bed.discard(0, 4096);
            assertArrayEquals(new byte[4096], bed.read(0, 4096));
        }
    }

    @Test
    void theDeviceEndsWhereTheDiskDoes() {
        try (TestBed bed = TestBed.of(new RamDisk(SIZE))) {
            LinuxException refused =
                    assertThrows(LinuxException.class, () -> bed.read(SIZE, 4096));
            assertEquals(Errno.EIO, refused.errno());
        }
    }

    @Test
    void randomRequestsFindWhatAModelSays() {
        Exerciser.of(() -> new RamDisk(SIZE)).run();
    }

    private static byte[] filled(int length) {
        byte[] bytes = new byte[length];
        Arrays.fill(bytes, (byte) 1);
        return bytes;
    }
}
