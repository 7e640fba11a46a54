package dev.ublk4j.qcow2;

import dev.ublk4j.linux.Fd;
import dev.ublk4j.linux.LinuxException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * An image that is to be made, of version 3, with refcounts of 16 bits.
 *
 * @param diskBytes the size of the disk, a multiple of 512
 * @param clusterBytes a power of two from 512 to 2 MiB
 * @param backingFile what the image says of its backing file, relative to its own folder; or null
 * @param backingFormat {@code raw} or {@code qcow2}, with a backing file
 */
public record NewImage(
        long diskBytes,
        int clusterBytes,
        @Nullable String backingFile,
        @Nullable String backingFormat) {
    /** The cluster of an image that nobody gave one: 64 KiB. */
    public static final int DEFAULT_CLUSTER = 64 << 10;

    /** As far as the user's mask lets them, as any file that is made. */
    private static final int OF_ANYBODY = 0666;

    private static final int HEADER_BYTES = 104;
    private static final int REFCOUNT_ORDER = 4;
    private static final int MOST_NAME_BYTES = 1023;

    /** Checks what is asked for. */
    public NewImage {
        if (Integer.bitCount(clusterBytes) != 1
                || clusterBytes < 1 << Layout.MIN_CLUSTER_BITS
                || clusterBytes > 1 << Layout.MAX_CLUSTER_BITS) {
            throw new IllegalArgumentException(
                    "a cluster is a power of two from 512 bytes to 2 MiB, and not " + clusterBytes);
        }
        if (diskBytes <= 0 || diskBytes % Layout.SECTOR != 0) {
            throw new IllegalArgumentException(
                    "a disk of %d bytes; its size is a multiple of 512".formatted(diskBytes));
        }
        if ((backingFile == null) != (backingFormat == null)) {
            throw new IllegalArgumentException("a backing file and its format belong together");
        }
        int bits = Integer.numberOfTrailingZeros(clusterBytes);
        if (((diskBytes - 1) >>> (2 * bits - 3)) >= Header.MOST_L1_ENTRIES) {
            throw new IllegalArgumentException(
                    "a disk of %d bytes needs larger clusters than %d bytes"
                            .formatted(diskBytes, clusterBytes));
        }
        long name = backingFile == null ? 0 : backingFile.getBytes(StandardCharsets.UTF_8).length;
        if (name > Math.min(MOST_NAME_BYTES, clusterBytes - HEADER_BYTES - 32)) {
            throw new IllegalArgumentException(
                    "the name of the backing file does not fit in a cluster: " + backingFile);
        }
    }

    /** {@return an image of clusters of 64 KiB, without a backing file} */
    public static NewImage ofSize(long diskBytes) {
        return new NewImage(diskBytes, DEFAULT_CLUSTER, null, null);
    }

    /**
     * Makes the image, durably.
     *
     * @throws dev.ublk4j.linux.LinuxException {@code EEXIST} when the file is there, and what the
     *     file system answers
     */
    public void create(Path path) {
        int bits = Integer.numberOfTrailingZeros(clusterBytes);
        long l1Entries = ((diskBytes - 1) >>> (2 * bits - 3)) + 1;
        long l1Clusters = Math.ceilDiv(l1Entries * Long.BYTES, clusterBytes);
        // Each block counts a number of clusters, and the table has an entry for each block.
        long perBlock = (clusterBytes * 8L) >>> REFCOUNT_ORDER;
        long blocks = 1;
        long tableClusters = 1;
        while (1 + l1Clusters + tableClusters + blocks > blocks * perBlock
                || blocks * Long.BYTES > tableClusters * clusterBytes) {
            blocks++;
            tableClusters = Math.ceilDiv(blocks * Long.BYTES, clusterBytes);
        }
        long used = 1 + tableClusters + blocks + l1Clusters;
        try (Fd fd = Fd.open(path, Fd.O_RDWR | Fd.O_CREAT | Fd.O_EXCL, OF_ANYBODY);
                Arena arena = Arena.ofConfined()) {
            fd.truncate(used << bits);
            MemorySegment table = arena.allocate(tableClusters << bits, Long.BYTES);
            for (long i = 0; i < blocks; i++) {
                table.setAtIndex(Layout.LONG, i, (1 + tableClusters + i) << bits);
            }
            write(fd, table, 1L << bits);
            MemorySegment counts = arena.allocate(blocks << bits, Long.BYTES);
            for (long i = 0; i < used; i++) {
                counts.setAtIndex(Layout.SHORT, i, (short) 1);
            }
            write(fd, counts, (1 + tableClusters) << bits);
            fd.sync();
            MemorySegment head =
                    header(
                            arena,
                            bits,
                            (int) l1Entries,
                            (1 + tableClusters + blocks) << bits,
                            (int) tableClusters);
            write(fd, head, 0);
            fd.sync();
        }
    }

    private static void write(Fd fd, MemorySegment bytes, long at) {
        long done = 0;
        while (done < bytes.byteSize()) {
            done +=
                    LinuxException.check(
                            "write", fd.name(), fd.pwrite(bytes.asSlice(done), at + done));
        }
    }

    private MemorySegment header(
            Arena arena, int bits, int l1Entries, long l1At, int tableClusters) {
        MemorySegment head = arena.allocate(clusterBytes, Long.BYTES);
        head.set(Layout.INT, 0, Layout.MAGIC);
        head.set(Layout.INT, 4, 3);
        head.set(Layout.INT, Layout.CLUSTER_BITS_AT, bits);
        head.set(Layout.LONG, 24, diskBytes);
        head.set(Layout.INT, 36, l1Entries);
        head.set(Layout.LONG, 40, l1At);
        head.set(Layout.LONG, Layout.REFCOUNT_TABLE_OFFSET_AT, 1L << bits);
        head.set(Layout.INT, Layout.REFCOUNT_TABLE_CLUSTERS_AT, tableClusters);
        head.set(Layout.INT, 96, REFCOUNT_ORDER);
        head.set(Layout.INT, 100, HEADER_BYTES);
        String name = backingFile;
        String format = backingFormat;
        if (name != null && format != null) {
            byte[] formatBytes = format.getBytes(StandardCharsets.UTF_8);
            head.set(Layout.INT, HEADER_BYTES, Layout.BACKING_FORMAT);
            head.set(Layout.INT, HEADER_BYTES + 4, formatBytes.length);
            copy(formatBytes, head, HEADER_BYTES + 8);
            // The end of the extensions is 8 zeroes.
            int nameAt = HEADER_BYTES + 8 + (formatBytes.length + 7 & ~7) + 8;
            byte[] nameBytes = name.getBytes(StandardCharsets.UTF_8);
            copy(nameBytes, head, nameAt);
            head.set(Layout.LONG, 8, nameAt);
            head.set(Layout.INT, 16, nameBytes.length);
        }
        return head;
    }

    private static void copy(byte[] bytes, MemorySegment to, int at) {
        MemorySegment.copy(bytes, 0, to, ValueLayout.JAVA_BYTE, at, bytes.length);
    }
}
