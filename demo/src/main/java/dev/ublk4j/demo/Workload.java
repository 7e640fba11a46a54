package dev.ublk4j.demo;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.SplittableRandom;

/**
 * Every block of a device, once, in random order, with as many requests under way as memory allows.
 */
final class Workload {
    private final Application application;
    private final MemorySegment memory;
    private final int block;
    private final int depth;
    private final List<Integer> blocks = new ArrayList<>();
    private final byte[] expected;

    Workload(Application application, MemorySegment memory, int block, int depth, long size) {
        this.application = application;
        this.memory = memory;
        this.block = block;
        this.depth = depth;
        this.expected = new byte[block];
        for (int i = 0; i < size / block; i++) {
            blocks.add(i);
        }
    }

    /** Fills the device with data made of a seed; answers the nanoseconds that the I/O took. */
    long write(long seed) {
        Collections.shuffle(blocks, new Random(seed));
        long nanos = 0;
        for (int first = 0; first < blocks.size(); first += depth) {
            for (int slot = 0; slot < depth; slot++) {
                fill(seed, blocks.get(first + slot));
                MemorySegment.copy(
                        expected, 0, memory, ValueLayout.JAVA_BYTE, (long) slot * block, block);
            }
            nanos += transfer(true, first);
        }
        return nanos;
    }

    /** Reads the device back and compares every byte; answers the nanoseconds that the I/O took. */
    long readAndVerify(long seed) {
        Collections.shuffle(blocks, new Random(~seed));
        long nanos = 0;
        for (int first = 0; first < blocks.size(); first += depth) {
            memory.fill((byte) 0);
            nanos += transfer(false, first);
            for (int slot = 0; slot < depth; slot++) {
                fill(seed, blocks.get(first + slot));
                long wrong =
                        memory.asSlice((long) slot * block, block)
                                .mismatch(MemorySegment.ofArray(expected));
                if (wrong >= 0) {
                    throw new CorruptDataException((long) blocks.get(first + slot) * block, wrong);
                }
            }
        }
        return nanos;
    }

    private long transfer(boolean write, int first) {
        long start = System.nanoTime();
        for (int slot = 0; slot < depth; slot++) {
            long position = (long) blocks.get(first + slot) * block;
            application.submit(write, (long) slot * block, block, position);
        }
        application.await(depth);
        return System.nanoTime() - start;
    }

    private void fill(long seed, int number) {
        new SplittableRandom(seed + number).nextBytes(expected);
    }
}
