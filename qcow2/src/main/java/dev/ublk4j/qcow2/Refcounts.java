package dev.ublk4j.qcow2;

import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.LinuxException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The reference counts of an image's clusters. Of one thread, and blocking.
 *
 * <p>What {@link #set} changes is in the image after {@link #write}, and durable when that has been
 * synced. A block or a table that is new is durable before anything refers to it.
 */
final class Refcounts {
    private static final int CACHED_BYTES = 8 << 20;

    private final MetadataFile file;
    private final MetadataClusters metadata;
    private final int clusterBits;
    private final int order;

    /** The logarithm of the clusters that a block counts. */
    private final int blockBits;

    private final int mostBlocks;
    private long tableAt;
    private long[] table;

    /** Blocks in memory, the longest not used first. */
    private final Map<Integer, Block> blocks = new LinkedHashMap<>(16, 0.75f, true);

    private static final class Block {
        final long at;
        final MemorySegment bytes;

        /** What the image lacks, in bytes. */
        long dirtyFrom = Long.MAX_VALUE;

        long dirtyTo;

        Block(long at, MemorySegment bytes) {
            this.at = at;
            this.bytes = bytes;
        }

        boolean isDirty() {
            return dirtyTo > 0;
        }
    }

    /** Clusters of a table that is not used any more. */
    @FunctionalInterface
    interface Retired {
        void retire(long firstCluster, long count);
    }

    Refcounts(MetadataFile file, Header header, MetadataClusters metadata, long[] table) {
        this.file = file;
        this.metadata = metadata;
        this.clusterBits = header.clusterBits();
        this.order = header.refcountOrder();
        this.blockBits = clusterBits + 3 - order;
        this.mostBlocks = Math.max(4, CACHED_BYTES >>> clusterBits);
        this.tableAt = header.refcountTableOffset();
        this.table = table;
    }

    private int clusterBytes() {
        return 1 << clusterBits;
    }

    /** {@return how many refer to a cluster} */
    long get(long cluster) {
        Block block = block(cluster >>> blockBits);
        return block == null ? 0 : get(block, (int) (cluster & ((1L << blockBits) - 1)));
    }

    private long get(Block block, int index) {
        return switch (order) {
            case 4 -> Short.toUnsignedLong(block.bytes.getAtIndex(Layout.SHORT, index));
            case 5 -> Integer.toUnsignedLong(block.bytes.getAtIndex(Layout.INT, index));
            case 6 -> block.bytes.getAtIndex(Layout.LONG, index);
            default -> {
                int bit = index << order;
                int whole = block.bytes.get(ValueLayout.JAVA_BYTE, bit >>> 3);
                yield whole >>> (bit & 7) & ((1 << (1 << order)) - 1);
            }
        };
    }

    /**
     * Says how many refer to a cluster.
     *
     * @param count fits in the bits of a refcount: 1, or less than there was
     */
    void set(long cluster, long count) {
        Block block = block(cluster >>> blockBits);
        if (block == null) {
            throw new IllegalStateException("no refcount block for cluster " + cluster);
        }
        set(block, (int) (cluster & ((1L << blockBits) - 1)), count);
    }

    private void set(Block block, int index, long count) {
        long bit = (long) index << order;
        switch (order) {
            case 4 -> block.bytes.setAtIndex(Layout.SHORT, index, (short) count);
            case 5 -> block.bytes.setAtIndex(Layout.INT, index, (int) count);
            case 6 -> block.bytes.setAtIndex(Layout.LONG, index, count);
            default -> {
                int mask = ((1 << (1 << order)) - 1) << (bit & 7);
                int before = block.bytes.get(ValueLayout.JAVA_BYTE, bit >>> 3);
                int after = (before & ~mask) | ((int) count << (bit & 7));
                block.bytes.set(ValueLayout.JAVA_BYTE, bit >>> 3, (byte) after);
            }
        }
        block.dirtyFrom = Math.min(block.dirtyFrom, bit >>> 3);
        block.dirtyTo = Math.max(block.dirtyTo, (bit + (1 << order) + 7) >>> 3);
    }

    private @Nullable Block block(long number) {
        if (number >= table.length || Layout.offset(table[(int) number]) == 0) {
            return null;
        }
        Block block = blocks.get((int) number);
        if (block == null) {
            long at = Layout.offset(table[(int) number]);
            MemorySegment bytes = Arena.ofAuto().allocate(clusterBytes(), Long.BYTES);
            if (file.read(bytes, at) < bytes.byteSize()) {
                throw new LinuxException(
                        "read",
                        file.path().toString(),
                        Errno.EIO.negated(),
                        "its refcount block at %d is not there".formatted(at));
            }
            block = new Block(at, bytes);
            put((int) number, block);
        }
        return block;
    }

    private void put(int number, Block added) {
        blocks.put(number, added);
        Iterator<Block> oldest = blocks.values().iterator();
        while (blocks.size() > mostBlocks && oldest.hasNext()) {
            Block block = oldest.next();
            if (!block.isDirty() && block != added) {
                oldest.remove();
            }
        }
    }

    /** Writes to the image what has changed. */
    void write() {
        for (Block block : blocks.values()) {
            if (block.isDirty()) {
                long from = block.dirtyFrom & -Layout.SECTOR;
                long to =
                        Math.min(
                                block.dirtyTo + Layout.SECTOR - 1 & -Layout.SECTOR,
                                block.bytes.byteSize());
                file.write(block.bytes.asSlice(from, to - from), block.at + from);
                block.dirtyFrom = Long.MAX_VALUE;
                block.dirtyTo = 0;
            }
        }
    }

    /** {@return the first free cluster from one on}; it is counted by a block that is there */
    long findFree(long from, Retired retired) {
        for (long cluster = from; ; cluster++) {
            long number = cluster >>> blockBits;
            if (number >= table.length) {
                grow(retired);
            }
            if (Layout.offset(table[(int) number]) == 0) {
                addBlock((int) number);
            }
            if (get(cluster) == 0 && !metadata.has(cluster)) {
                return cluster;
            }
        }
    }

    /** Makes the block of clusters that nobody uses: it is the first of them. */
    private void addBlock(int number) {
        long cluster = (long) number << blockBits;
        long end = cluster + (1L << blockBits);
        while (cluster < end && (cluster == 0 || metadata.has(cluster))) {
            cluster++;
        }
        if (cluster == end) {
            throw new LinuxException(
                    "write",
                    file.path().toString(),
                    Errno.EIO.negated(),
                    "its refcounts do not count its tables");
        }
        long at = cluster << clusterBits;
        file.provide(at + clusterBytes());
        MemorySegment bytes = Arena.ofAuto().allocate(clusterBytes(), Long.BYTES);
        Block block = new Block(at, bytes);
        set(block, (int) (cluster & ((1L << blockBits) - 1)), 1);
        file.write(bytes, at);
        block.dirtyFrom = Long.MAX_VALUE;
        block.dirtyTo = 0;
        file.sync();
        metadata.add(cluster);
        putEntry(number, at);
        put(number, block);
    }

    private void putEntry(int number, long at) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment entry = arena.allocate(Long.BYTES);
            entry.set(Layout.LONG, 0, at);
            file.write(entry, tableAt + (long) number * Long.BYTES);
        }
        file.sync();
        table[number] = at;
    }

    /**
     * Makes a larger table, behind everything that the one there is counts; first the blocks that
     * count the table and themselves, then the table.
     */
    private void grow(Retired retired) {
        int perCluster = clusterBytes() / Long.BYTES;
        long first = (long) table.length << blockBits;
        int newClusters = Math.ceilDiv(table.length + table.length / 2 + 1, perCluster);
        int entries = newClusters * perCluster;
        // Each block counts itself, too.
        int newBlocks = (int) Math.ceilDiv((long) newClusters, (1L << blockBits) - 1);
        if ((long) entries * Long.BYTES > Header.MOST_REFCOUNT_TABLE_BYTES) {
            throw new LinuxException(
                    "write",
                    file.path().toString(),
                    Errno.EFBIG.negated(),
                    "its refcount table cannot be larger");
        }
        long used = (long) newBlocks + newClusters;
        file.provide((first + used) << clusterBits);
        long[] larger = Arrays.copyOf(table, entries);
        for (int i = 0; i < newBlocks; i++) {
            long at = (first + i) << clusterBits;
            Block block = new Block(at, Arena.ofAuto().allocate(clusterBytes(), Long.BYTES));
            long inBlock = Math.min(used - ((long) i << blockBits), 1L << blockBits);
            for (int each = 0; each < inBlock; each++) {
                set(block, each, 1);
            }
            file.write(block.bytes, at);
            block.dirtyFrom = Long.MAX_VALUE;
            block.dirtyTo = 0;
            larger[table.length + i] = at;
            metadata.add(first + i);
            put(table.length + i, block);
        }
        long newAt = (first + newBlocks) << clusterBits;
        writeTable(larger, newAt);
        for (int i = 0; i < newClusters; i++) {
            metadata.add(first + newBlocks + i);
        }
        file.sync();
        writePlace(newAt, newClusters);
        file.sync();
        long oldFirst = tableAt >>> clusterBits;
        long oldClusters = Math.ceilDiv((long) table.length * Long.BYTES, clusterBytes());
        tableAt = newAt;
        table = larger;
        retired.retire(oldFirst, oldClusters);
    }

    private void writeTable(long[] entries, long at) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment bytes = arena.allocate((long) entries.length * Long.BYTES, Long.BYTES);
            for (int i = 0; i < entries.length; i++) {
                bytes.setAtIndex(Layout.LONG, i, entries[i]);
            }
            file.write(bytes, at);
        }
    }

    /** Both numbers are in one sector of the header, so that they change together. */
    private void writePlace(long at, int clusters) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment place = arena.allocate(Long.BYTES + Integer.BYTES);
            place.set(Layout.LONG, 0, at);
            place.set(Layout.INT, Long.BYTES, clusters);
            file.write(place, Layout.REFCOUNT_TABLE_OFFSET_AT);
        }
    }
}
