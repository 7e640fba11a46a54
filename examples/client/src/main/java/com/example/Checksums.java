package com.example;

import dev.ublk4j.client.Attachment;
import dev.ublk4j.client.BlockDevice;
import dev.ublk4j.client.DeviceChannel;
import dev.ublk4j.client.PooledBuffer;
import dev.ublk4j.client.SharedBufferPool;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.LinuxException;
import java.nio.file.Path;
import java.util.zip.CRC32C;

/**
 * The checksum of each block of a device, read with many requests in flight into memory that the
 * device shares where it can.
 */
public final class Checksums {
    private static final int BLOCK = 64 * 1024;
    private static final int DEPTH = 32;

    private final SharedBufferPool pool;
    private final CRC32C crc = new CRC32C();
    private int[] sums = {};
    private int failure;

    /** The number of the block that is read into each buffer, by the index of the buffer. */
    private final int[] blockOf = new int[DEPTH];

    private Checksums(SharedBufferPool pool) {
        this.pool = pool;
    }

    /**
     * What reading a device gave.
     *
     * @param sums the CRC-32C of each whole block of 64 KiB
     * @param shared whether the device had this process's memory, so that nothing was copied
     */
    public record Result(int[] sums, boolean shared) {}

    /**
     * Reads a device.
     *
     * @throws LinuxException when the device cannot be opened or read
     */
    public static Result of(BlockDevice device) {
        try (SharedBufferPool pool = SharedBufferPool.create(BLOCK, DEPTH);
                Attachment attachment = pool.attach(device)) {
            int[] sums = new Checksums(pool).read(attachment);
            return new Result(sums, attachment.isShared());
        }
    }

    private int[] read(Attachment device) {
        try (DeviceChannel channel = device.open(DEPTH, this::onRead)) {
            sums = new int[(int) (channel.size() / BLOCK)];
            for (int block = 0; block < sums.length; block++) {
                PooledBuffer buffer = pool.acquireOrNull();
                while (buffer == null) {
                    channel.run(1);
                    buffer = pool.acquireOrNull();
                }
                blockOf[buffer.index()] = block;
                channel.read(buffer, (long) block * BLOCK);
            }
            channel.runAll();
            LinuxException.check("read", device.toString(), failure);
            return sums;
        }
    }

    private void onRead(PooledBuffer buffer, int result) {
        if (result == buffer.requested()) {
            crc.reset();
            crc.update(buffer.memory().asByteBuffer());
            sums[blockOf[buffer.index()]] = (int) crc.getValue();
        } else {
            failure = result < 0 ? result : Errno.EIO.negated();
        }
        buffer.release();
    }

    /** Takes the path of a block device, or of a file on a file system with direct I/O. */
    public static void main(String... args) {
        try {
            Result result = of(BlockDevice.at(Path.of(args[0])));
            for (int block = 0; block < result.sums().length; block++) {
                System.out.printf("%12d %08x%n", (long) block * BLOCK, result.sums()[block]);
            }
            System.out.println(result.shared() ? "nothing was copied" : "the kernel copied");
        } catch (LinuxException e) {
            System.err.println(e.getMessage());
            System.exit(1);
        }
    }
}
