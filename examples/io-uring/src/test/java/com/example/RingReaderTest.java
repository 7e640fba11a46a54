package com.example;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.LinuxException;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import java.util.stream.LongStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RingReaderTest {
    private static final int BLOCK = 4096;
    private static final int BLOCKS = 200;

    @TempDir Path folder;
    private Path file;
    private final byte[] data = new byte[BLOCK * BLOCKS];
    private int handedOver;

    @BeforeEach
    void makeTheFile() throws IOException {
        new Random(1).nextBytes(data);
        file = Files.write(folder.resolve("data"), data);
    }

    @Test
    void everyBlockIsHandedOverOnceWithItsData() {
        long[] all = LongStream.range(0, BLOCKS).map(n -> (n * 7 % BLOCKS) * BLOCK).toArray();
        try (RingReader reader = new RingReader(file, BLOCK, 16)) {
            reader.read(all, this::compare);
        }
        assertEquals(BLOCKS, handedOver);
    }

    private void compare(long position, MemorySegment block) {
        MemorySegment expected = MemorySegment.ofArray(data).asSlice(position, BLOCK);
        assertEquals(-1, block.mismatch(expected));
        handedOver++;
    }

    @Test
    void aBlockBeyondTheEndFailsAndTheReaderGoesOn() {
        try (RingReader reader = new RingReader(file, BLOCK, 16)) {
            long[] beyond = {0, (long) BLOCKS * BLOCK};
            LinuxException failed =
                    assertThrows(LinuxException.class, () -> reader.read(beyond, this::compare));
            assertEquals(Errno.EIO, failed.errno());
            reader.read(new long[] {BLOCK}, this::compare);
            assertEquals(2, handedOver);
        }
    }

    @Test
    void aFileThatIsNotThereIsNamed() {
        Path missing = folder.resolve("missing");
        LinuxException failed =
                assertThrows(LinuxException.class, () -> new RingReader(missing, BLOCK, 1));
        assertEquals(Errno.ENOENT, failed.errno());
    }
}
