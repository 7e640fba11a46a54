package com.example;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.ublk4j.layers.Mirror;
import dev.ublk4j.layers.Mirror.LegState;
import dev.ublk4j.layers.MirrorLog;
import dev.ublk4j.targets.BackingFile;
import dev.ublk4j.targets.FileTarget;
import dev.ublk4j.targets.MemoryTarget;
import dev.ublk4j.testkit.Exerciser;
import dev.ublk4j.testkit.TestBed;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CheckedTest {
    private static final int SIZE = 1 << 20;

    @TempDir Path folder;

    private Checked file(String name) throws IOException {
        Path path = Files.write(folder.resolve(name), new byte[SIZE]);
        return new Checked(
                new FileTarget(BackingFile.open(path, BackingFile.Caching.BUFFERED, false)));
    }

    @Test
    void aBlockThatRotsOnOneLegIsReadFromTheOther() throws IOException {
        Mirror disk = new Mirror(List.of(file("one"), file("two")), MirrorLog.inMemory());
        byte[] data = new byte[65536];
        new Random(1).nextBytes(data);
        try (TestBed bed = TestBed.of(disk)) {
            bed.write(0, data);
            byte[] rotten = Files.readAllBytes(folder.resolve("one"));
            rotten[20_000] ^= 4;
            Files.write(folder.resolve("one"), rotten);

            assertArrayEquals(data, bed.read(0, data.length));
            assertEquals(List.of(LegState.FAILED, LegState.IN_STEP), disk.states());
        }
    }

    @Test
    void isADiskLikeAnyOther() {
        Exerciser.of(() -> new Checked(new MemoryTarget(SIZE))).withRounds(3).run();
    }
}
