package dev.ublk4j.cli.demo;

import dev.ublk4j.client.DeviceChannel;
import dev.ublk4j.client.PooledBuffer;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.SplittableRandom;

/**
 * Every block of a device, once, in random order, with as many requests under way as memory allows.
 */
final class Workload {
    private final DeviceChannel channel;
    private final List<PooledBuffer> buffers;
    private final int block;
    private final int depth;
    private final List<Integer> blocks = new ArrayList<>();
    private final byte[] expected;

    Workload(DeviceChannel channel, List<PooledBuffer> buffers, long size) {
        this.channel = channel;
        this.buffers = buffers;
        this.block = buffers.getFirst().length();
        this.depth = buffers.size();
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
                buffers.get(slot).memory().copyFrom(MemorySegment.ofArray(expected));
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
            buffers.forEach(buffer -> buffer.memory().fill((byte) 0));
            nanos += transfer(false, first);
            for (int slot = 0; slot < depth; slot++) {
                fill(seed, blocks.get(first + slot));
                long wrong = buffers.get(slot).memory().mismatch(MemorySegment.ofArray(expected));
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
            if (write) {
                channel.write(buffers.get(slot), position);
            } else {
                channel.read(buffers.get(slot), position);
            }
        }
        channel.runAll();
        return System.nanoTime() - start;
    }

    private void fill(long seed, int number) {
        new SplittableRandom(seed + number).nextBytes(expected);
    }
}
