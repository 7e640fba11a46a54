package com.example;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.SplittableRandom;

/** Random reads of 4 KiB from a file: through a ring, and through a FileChannel. */
public final class Compare {
    private static final int BLOCK = 4096;
    private static final int DEPTH = 64;
    private static final int READS = 1_000_000;

    private Compare() {}

    /** Takes the path of a file of at least 4 KiB. */
    public static void main(String... args) throws IOException {
        Path path = Path.of(args[0]);
        try (RingReader ring = new RingReader(path, BLOCK, DEPTH);
                FileChannel channel = FileChannel.open(path);
                Arena arena = Arena.ofConfined()) {
            SplittableRandom random = new SplittableRandom(1);
            long[] where =
                    random.longs(READS, 0, channel.size() / BLOCK).map(n -> n * BLOCK).toArray();
            ByteBuffer buffer = arena.allocate(BLOCK, 4096).asByteBuffer();
            // The first round warms up the compiler and the page cache.
            for (int round = 0; round < 3; round++) {
                long start = System.nanoTime();
                ring.read(where, (_, _) -> {});
                print("io_uring", start);
                start = System.nanoTime();
                for (long position : where) {
                    channel.read(buffer.clear(), position);
                }
                print("FileChannel", start);
            }
        }
    }

    private static void print(String what, long start) {
        System.out.printf("%-12s %,.0f reads/s%n", what, READS * 1e9 / (System.nanoTime() - start));
    }
}
