package dev.ublk4j.cli.demo;

import dev.ublk4j.client.Attachment;
import dev.ublk4j.client.DeviceChannel;
import dev.ublk4j.client.PooledBuffer;
import dev.ublk4j.client.SharedBufferPool;
import dev.ublk4j.driver.Driver;
import dev.ublk4j.server.Device;
import dev.ublk4j.server.DeviceCounters;
import dev.ublk4j.server.DeviceOptions;
import dev.ublk4j.targets.BackingFile;
import dev.ublk4j.targets.FileTarget;
import dev.ublk4j.testkit.client.ServedBlockDevice;
import dev.ublk4j.uapi.Feature;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;

/**
 * Serves a file as a device, writes random data to it and reads it back, first copied and then
 * shared.
 */
public final class Demo {
    /** Bytes of one request. */
    private static final int BLOCK = 128 * 1024;

    /** Requests under way at a time. */
    private static final int DEPTH = 32;

    private final Driver driver;
    private final long size;

    /**
     * Prepares a demonstration.
     *
     * @param driver where the device is added; it stays open
     * @param size bytes of the device, a multiple of 4 MiB
     */
    public Demo(Driver driver, long size) {
        if (size <= 0 || size % ((long) BLOCK * DEPTH) != 0) {
            throw new IllegalArgumentException("size is not a multiple of 4 MiB: " + size);
        }
        this.driver = driver;
        this.size = size;
    }

    /**
     * Shows it.
     *
     * @return a row for each of: copied writes, copied reads, shared writes, shared reads
     * @throws CorruptDataException when a byte comes back changed
     */
    public List<Row> run() {
        Path file = backingFile();
        try (SharedBufferPool pool = SharedBufferPool.create(BLOCK, DEPTH);
                Device device = serve(file);
                Attachment attachment = pool.attach(new ServedBlockDevice(driver, device));
                DeviceChannel channel = attachment.open(DEPTH)) {
            List<PooledBuffer> buffers =
                    Stream.generate(pool::acquire).limit(pool.buffers()).toList();
            Workload workload = new Workload(channel, buffers, size);
            List<Row> rows = new ArrayList<>();
            attachment.unshare();
            measure("copied", device, workload, rows);
            if (!attachment.share()) {
                throw Objects.requireNonNull(attachment.refusal());
            }
            measure("shared", device, workload, rows);
            return rows;
        } finally {
            delete(file);
        }
    }

    private void measure(String mode, Device device, Workload workload, List<Row> rows) {
        long seed = System.nanoTime();
        for (boolean write : new boolean[] {true, false}) {
            DeviceCounters before = device.counters();
            Map<String, Long> missesBefore = misses(device);
            long nanos = write ? workload.write(seed) : workload.readAndVerify(seed);
            DeviceCounters after = device.counters();
            Map<String, Long> misses = new LinkedHashMap<>();
            misses(device)
                    .forEach((reason, count) -> {
                        long more = count - missesBefore.getOrDefault(reason, 0L);
                        if (more > 0) {
                            misses.put(reason, more);
                        }
                    });
            rows.add(
                    new Row(
                            mode + (write ? " writes" : " reads"),
                            size,
                            nanos,
                            after.sharedRequests() - before.sharedRequests(),
                            after.copiedRequests() - before.copiedRequests(),
                            after.copiedBytes() - before.copiedBytes(),
                            misses));
        }
    }

    /** Only a driver knows why a request was copied, and the kernel's does not tell. */
    private Map<String, Long> misses(Device device) {
        Map<String, Long> misses = new LinkedHashMap<>();
        device.driverCounters().ifPresent(counters -> misses.putAll(counters.missesByReason()));
        return misses;
    }

    private Device serve(Path file) {
        BackingFile backing = BackingFile.open(file, BackingFile.Caching.DIRECT, false);
        DeviceOptions options =
                DeviceOptions.defaults()
                        .withDepth(2 * DEPTH)
                        .with(Feature.SHMEM_ZC)
                        .withIfAble(Feature.NO_AUTO_PART_SCAN);
        return Device.start(driver, new FileTarget(backing), options);
    }

    private Path backingFile() {
        Path file;
        try {
            file = Files.createTempFile("ublk4j-demo", ".img");
        } catch (IOException e) {
            throw new UncheckedIOException(
                    "cannot create the file of the demonstration in %s: %s"
                            .formatted(System.getProperty("java.io.tmpdir"), reason(e)),
                    e);
        }
        try (RandomAccessFile disk = new RandomAccessFile(file.toFile(), "rw")) {
            disk.setLength(size);
            return file;
        } catch (IOException e) {
            delete(file);
            throw new UncheckedIOException(
                    "cannot extend the file of the demonstration, %s, to %d bytes: %s"
                            .formatted(file, size, reason(e)),
                    e);
        }
    }

    /** {@return the kernel's, which exceptions about files wrap differently} */
    private static String reason(IOException e) {
        return switch (e) {
            case NoSuchFileException _ -> "no such folder";
            case AccessDeniedException _ -> "no permission";
            case FileSystemException failed when failed.getReason() != null -> failed.getReason();
            default -> String.valueOf(e.getMessage());
        };
    }

    private static void delete(Path file) {
        try {
            Files.delete(file);
        } catch (IOException e) {
            throw new UncheckedIOException(file + " cannot be deleted", e);
        }
    }

    /**
     * What one pass over the device came to.
     *
     * @param name what was done, such as {@code shared reads}
     * @param bytes bytes moved, all of them verified once read
     * @param nanos how long the I/O took
     * @param hits requests that nobody copied
     * @param copies requests that the driver copied
     * @param copiedBytes bytes that the driver copied
     * @param misses why requests were copied, where the driver tells
     */
    public record Row(
            String name,
            long bytes,
            long nanos,
            long hits,
            long copies,
            long copiedBytes,
            Map<String, Long> misses) {
        /** {@return bytes per second} */
        public double bytesPerSecond() {
            return bytes * 1e9 / nanos;
        }
    }
}
