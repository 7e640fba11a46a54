package dev.ublk4j.layers;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.BitSet;
import java.util.concurrent.atomic.AtomicIntegerArray;
import org.jspecify.annotations.Nullable;

/**
 * Which clusters of an {@link Overlay} are in its upper target. From the threads of all queues.
 *
 * <p>In a file, the map is a page of header and two areas of a bit per cluster. The durable area is
 * written when the device is flushed, after the upper target has been: a cluster that it tells of
 * is there. The live area is mapped memory, which has each change at once. It counts for a server
 * that follows one that has died, under the same kernel: what that one has written is there,
 * flushed or not. After a restart of the machine the durable area counts.
 *
 * <pre>
 *   0   8 bytes   magic, "ublk4jov"
 *   8   4 bytes   version, 1
 *  12   4 bytes   bytes in a cluster
 *  16   8 bytes   bytes of the device
 *  24  36 bytes   the kernel's boot_id, for which the live area counts
 *  4096           the durable bits, that of cluster 0 the lowest of the first byte
 *   ..            from the next page on, the live bits
 * </pre>
 *
 * <p>Numbers are little-endian.
 */
public final class OverlayMap implements AutoCloseable {
    /** The cluster of a map that nobody gave one: 64 KiB. */
    public static final int DEFAULT_CLUSTER = 64 << 10;

    /** The unit in which the map is written. */
    static final int PAGE = 4096;

    private static final long MAGIC = 0x766f_6a34_6b6c_6275L;
    private static final int VERSION = 1;

    private static final int BOOT_AT = 24;

    private static final VarHandle LIVE_WORD = ValueLayout.JAVA_INT.varHandle();

    private static final int BASE = 0;
    private static final int FILLING = 1;
    private static final int UPPER = 2;

    private final int cluster;
    private final long size;
    private final @Nullable OwnedFile file;

    /** Two bits for each cluster. */
    private final AtomicIntegerArray states;

    /** Pages of bits that differ from the durable ones of the file. */
    private final BitSet dirty;

    private final Arena arena = Arena.ofShared();

    /** The live bits of the file, null without one. */
    private @Nullable MemorySegment live;

    private OverlayMap(long size, int cluster, @Nullable OwnedFile file) {
        if (Integer.bitCount(cluster) != 1 || cluster < PAGE) {
            throw new IllegalArgumentException(
                    "overlay: a cluster is a power of two from 4096 bytes on, and not " + cluster);
        }
        long clusters = (size + cluster - 1) / cluster;
        if (clusters > 1L << 34) {
            throw new IllegalArgumentException(
                    "overlay: %d clusters are too many, make them larger".formatted(clusters));
        }
        this.size = size;
        this.cluster = cluster;
        this.file = file;
        this.states = new AtomicIntegerArray((int) ((clusters + 15) >>> 4));
        // As large as it gets: to mark a page needs no memory.
        this.dirty = new BitSet(pages());
    }

    /**
     * {@return an empty map that lasts as long as the overlay}
     *
     * @param size bytes of the device
     * @param cluster bytes, a power of two from 4096 on
     */
    public static OverlayMap inMemory(long size, int cluster) {
        return new OverlayMap(size, cluster, null);
    }

    /**
     * {@return the map in a file, which is made when it is not there or empty}
     *
     * @param size bytes of the device
     * @param cluster bytes of a cluster in a new map, a power of two from 4096 on
     * @throws IOException when the file cannot be read, is another's, or the map of another size
     */
    public static OverlayMap inFile(Path path, long size, int cluster) throws IOException {
        OverlayMap asked = inMemory(size, cluster);
        OwnedFile file = OwnedFile.open(path, "the map of an overlay");
        try {
            OverlayMap map =
                    OwnedFile.isUnbegun(file.channel(), PAGE, asked.fileBytes())
                            ? create(file, size, cluster)
                            : read(file, path, size);
            file.keep();
            return map;
        } catch (Throwable e) {
            file.close();
            throw e;
        }
    }

    /** {@return whether the file was made for this map} */
    public boolean isNew() {
        return file != null && file.isNew();
    }

    private static OverlayMap create(OwnedFile owned, long size, int cluster) throws IOException {
        OverlayMap map = new OverlayMap(size, cluster, owned);
        FileChannel file = owned.channel();
        ByteBuffer header = ByteBuffer.allocate(PAGE).order(ByteOrder.LITTLE_ENDIAN);
        header.putLong(MAGIC).putInt(VERSION).putInt(cluster).putLong(size).clear();
        OwnedFile.writeAll(file, ByteBuffer.allocate(PAGE), map.fileBytes() - PAGE);
        map.beginLive(file);
        OwnedFile.writeAll(file, header, 0);
        map.noteBoot(file);
        file.force(true);
        return map;
    }

    private static OverlayMap read(OwnedFile owned, Path path, long size) throws IOException {
        FileChannel file = owned.channel();
        ByteBuffer header = ByteBuffer.allocate(PAGE).order(ByteOrder.LITTLE_ENDIAN);
        boolean whole = OwnedFile.readAll(file, header, 0);
        if (!whole || header.getLong(0) != MAGIC) {
            throw new IOException(path + " is not the map of an overlay");
        }
        if (header.getInt(8) != VERSION) {
            throw new IOException(
                    "%s is an overlay map of version %d, and this is for %d"
                            .formatted(path, header.getInt(8), VERSION));
        }
        if (header.getLong(16) != size) {
            throw new IOException(
                    "%s is the map of a device of %d bytes, and this one has %d"
                            .formatted(path, header.getLong(16), size));
        }
        OverlayMap map = known(path, size, header.getInt(12), owned);
        if (file.size() < map.fileBytes()) {
            throw new IOException(path + " is cut off: it has not a bit for each cluster");
        }
        byte[] boot = new byte[OwnedFile.BOOT_BYTES];
        header.get(BOOT_AT, boot);
        map.load(file, PAGE);
        if (boot[0] != 0 && Arrays.equals(boot, OwnedFile.bootId())) {
            map.goOnLive(file);
        } else {
            map.beginLive(file);
            map.noteBoot(file);
        }
        return map;
    }

    private static OverlayMap known(Path path, long size, int cluster, OwnedFile file)
            throws IOException {
        try {
            return new OverlayMap(size, cluster, file);
        } catch (IllegalArgumentException e) {
            throw new IOException("%s is no right map: %s".formatted(path, e.getMessage()), e);
        }
    }

    /**
     * Makes the live bits of those that are set. Every page is written: a hole may find no room.
     */
    private void beginLive(FileChannel channel) throws IOException {
        OwnedFile.writeAll(channel, ByteBuffer.allocate(OwnedFile.BOOT_BYTES), BOOT_AT);
        for (int number = 0; number < pages(); number++) {
            OwnedFile.writeAll(
                    channel, ByteBuffer.wrap(bits(number)), liveStart() + (long) number * PAGE);
        }
        mapLive(channel);
    }

    private void noteBoot(FileChannel channel) throws IOException {
        OwnedFile.writeAll(channel, ByteBuffer.wrap(OwnedFile.bootId()), BOOT_AT);
    }

    /** Takes the live bits over; the next flush makes them durable. */
    private void goOnLive(FileChannel channel) throws IOException {
        for (long number = 0; number < clusters(); number++) {
            set(number, BASE);
        }
        load(channel, liveStart());
        mapLive(channel);
        synchronized (dirty) {
            dirty.set(0, pages());
        }
    }

    private void mapLive(FileChannel channel) throws IOException {
        live =
                channel.map(
                        FileChannel.MapMode.READ_WRITE, liveStart(), (long) pages() * PAGE, arena);
    }

    private void load(FileChannel channel, long start) throws IOException {
        ByteBuffer page = ByteBuffer.allocate(PAGE);
        for (int number = 0; number < pages(); number++) {
            if (!OwnedFile.readAll(channel, page.clear(), start + (long) number * PAGE)) {
                throw new IOException("the map of the overlay ends early");
            }
            for (int at = 0; at < PAGE; at++) {
                int bits = page.get(at) & 0xff;
                for (; bits != 0; bits &= bits - 1) {
                    long found =
                            ((long) number * PAGE + at) * 8 + Integer.numberOfTrailingZeros(bits);
                    if (found < clusters()) {
                        set(found, UPPER);
                    }
                }
            }
        }
    }

    private long liveStart() {
        return PAGE + (long) pages() * PAGE;
    }

    private long fileBytes() {
        return liveStart() + (long) pages() * PAGE;
    }

    private int pages() {
        return (int) ((clusters() + PAGE * 8L - 1) / (PAGE * 8L));
    }

    long clusters() {
        return (size + cluster - 1) / cluster;
    }

    /** {@return the cluster that a byte lies in} */
    long clusterOf(long at) {
        return at / cluster;
    }

    /** {@return the first byte of a cluster} */
    long startOf(long number) {
        return number * cluster;
    }

    /** {@return the byte behind a cluster, of which the last may be short} */
    long endOf(long number) {
        return Math.min(startOf(number + 1), size);
    }

    /** {@return bytes in a cluster} */
    public int cluster() {
        return cluster;
    }

    /** {@return bytes of the device} */
    public long size() {
        return size;
    }

    private int get(long number) {
        return states.get((int) (number >>> 4)) >>> shift(number) & 3;
    }

    private static int shift(long number) {
        return (int) (number & 15) * 2;
    }

    private void set(long number, int state) {
        int shift = shift(number);
        states.accumulateAndGet(
                (int) (number >>> 4), state, (word, to) -> (word & ~(3 << shift)) | to << shift);
    }

    /** {@return whether a cluster is in the upper target} */
    boolean isUpper(long number) {
        return get(number) == UPPER;
    }

    /** {@return how many clusters are in the upper target} */
    public long upperClusters() {
        long count = 0;
        for (long number = 0; number < clusters(); number++) {
            count += isUpper(number) ? 1 : 0;
        }
        return count;
    }

    /** Begins to fill a cluster of the upper target; false where that is under way or done. */
    boolean beginFilling(long number) {
        int index = (int) (number >>> 4);
        int shift = shift(number);
        int word = states.get(index);
        while ((word >>> shift & 3) == BASE) {
            if (states.compareAndSet(index, word, word | FILLING << shift)) {
                return true;
            }
            word = states.get(index);
        }
        return false;
    }

    /** Ends that. */
    void endFilling(long number, boolean filled) {
        set(number, filled ? UPPER : BASE);
        if (filled) {
            touch(number);
        }
    }

    /** Has a cluster read from the base again, which holds the same now. */
    void toBase(long number) {
        set(number, BASE);
        touch(number);
    }

    private void touch(long number) {
        MemorySegment bits = live;
        if (bits != null) {
            long word = (number >>> 5) * Integer.BYTES;
            int bit = 1 << (int) (number & 31);
            if (isUpper(number)) {
                int _ = (int) LIVE_WORD.getAndBitwiseOr(bits, word, bit);
            } else {
                int _ = (int) LIVE_WORD.getAndBitwiseAnd(bits, word, ~bit);
            }
        }
        if (file != null) {
            synchronized (dirty) {
                dirty.set((int) (number / (PAGE * 8)));
            }
        }
    }

    /**
     * {@return the pages that have changed since they were taken last, or null for none} What has
     * been taken is to be written, or put back.
     */
    @Nullable ChangedPages take() {
        BitSet taken;
        synchronized (dirty) {
            if (dirty.isEmpty()) {
                return null;
            }
            taken = (BitSet) dirty.clone();
            dirty.clear();
        }
        ChangedPages pages = null;
        try {
            pages = new ChangedPages(taken);
        } finally {
            if (pages == null) {
                mark(taken);
            }
        }
        return pages;
    }

    private void mark(BitSet pages) {
        synchronized (dirty) {
            dirty.or(pages);
        }
    }

    private byte[] bits(int page) {
        byte[] bits = new byte[PAGE];
        long first = (long) page * PAGE * 8;
        for (int i = 0; i < PAGE * 8 && first + i < clusters(); i++) {
            if (isUpper(first + i)) {
                bits[i >>> 3] |= (byte) (1 << (i & 7));
            }
        }
        return bits;
    }

    /** {@return whether the file lacks something} */
    boolean isDirty() {
        synchronized (dirty) {
            return !dirty.isEmpty();
        }
    }

    /** Pages of the map as they were at one moment. */
    final class ChangedPages implements TableWriter.Pages {
        private final BitSet numbers;
        private final byte[][] contents;

        private ChangedPages(BitSet numbers) {
            this.numbers = numbers;
            this.contents = numbers.stream().mapToObj(OverlayMap.this::bits).toArray(byte[][]::new);
        }

        @Override
        public void write() throws IOException {
            if (file != null) {
                FileChannel channel = file.channel();
                int number = -1;
                for (byte[] content : contents) {
                    number = numbers.nextSetBit(number + 1);
                    OwnedFile.writeAll(
                            channel, ByteBuffer.wrap(content), PAGE + (long) number * PAGE);
                }
                channel.force(false);
            }
        }

        @Override
        public void putBack() {
            mark(numbers);
        }
    }

    /** Lets go of the file. */
    @Override
    public void close() throws IOException {
        if (file != null) {
            if (arena.scope().isAlive()) {
                arena.close();
            }
            file.close();
        }
    }
}
