package dev.ublk4j.layers;

import dev.ublk4j.linux.Errno;
import dev.ublk4j.server.Zone;
import dev.ublk4j.server.Zone.Condition;
import dev.ublk4j.server.ZoneLimits;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.BitSet;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.atomic.AtomicLongArray;
import org.jspecify.annotations.Nullable;

/**
 * The conditions and write pointers of the zones of a {@link ZonedTarget}. From the threads of all
 * queues.
 *
 * <p>In a file, the table is a page of header and two areas of a record per zone. The durable area
 * is written when the device is flushed, after the target below has been, and before a zone's data
 * is given up: what it tells of is there. The live area is mapped memory, which has each change at
 * once. It counts for a server that follows another, under the same kernel. After a restart of the
 * machine the durable area counts, and no zone is open.
 *
 * <pre>
 *   0   8 bytes   magic, "ublk4jzn"
 *   8   4 bytes   version, 1
 *  12   4 bytes   conventional zones, which are the first
 *  16   8 bytes   bytes of the device
 *  24   8 bytes   bytes of a zone
 *  32   4 bytes   1 while a server has the table, 0 once it has let go
 *  36  36 bytes   the kernel's boot_id, for which the live area counts
 *  72   8 bytes   bytes of a zone that can be written, 0 for all of them
 *  4096           the durable records
 *   ..            from the next page on, the live records
 * </pre>
 *
 * <p>A record has 32 bytes: the condition, {@code BLK_ZONE_COND_...}; where the written part ends,
 * and where the last write began, both in sectors from the beginning of the zone; and 8 bytes of
 * zeroes. Numbers are little-endian, of 8 bytes.
 */
public final class ZoneTable implements AutoCloseable {
    /*
     * Two write pointers:
     * -------------------
     * A write moves the pointer of `words` when it begins, so that the next one can follow at once, and
     * that of the record when it has ended. A server that dies with writes under way leaves records
     * that do not have them, and the driver sends the writes to the next server again. One that had
     * ended and had not been told is sent again as well: it begins where the last write of the record
     * did, and ends where the record does. Where the former server died, each zone takes one such write.
     *
     * Who changes what:
     * -----------------
     * A write into an open zone that does not fill it changes one word, by compare-and-set, and takes
     * no lock. All else is done under the monitor: opening, closing, filling, with the counts of open
     * and active zones. Only the monitor's owner changes the word of a zone that is not open.
     */
    private static final int PAGE = 4096;
    private static final int RECORD = 32;
    private static final int RECORDS = PAGE / RECORD;
    private static final long MOST_ZONES = 1 << 24;

    private static final long MAGIC = 0x6e7a_6a34_6b6c_6275L;
    private static final int VERSION = 1;
    private static final int IN_USE_AT = 32;
    private static final int BOOT_AT = 36;
    private static final int CAPACITY_AT = 72;

    private static final int SECTOR_SHIFT = 9;
    private static final int CONDITION_BITS = 4;
    private static final int EIO = Errno.EIO.negated();

    /** An append begins wherever the write pointer is. */
    static final long ANYWHERE = -1;

    private final ZoneLimits limits;
    private final int conventional;
    private final int zones;
    private final long zoneSectors;
    private final long capacitySectors;
    private final @Nullable OwnedFile file;

    /** Condition and write pointer of each zone, with the writes that are under way. */
    private final AtomicLongArray words;

    /** Pages of records that differ from the durable ones of the file: 1. */
    private final AtomicIntegerArray dirty;

    // Of the monitor.
    private final BitSet implicit;
    private int open;
    private int active;

    /** Zones that take a write once more, or null where the former server has let go. */
    private volatile @Nullable AtomicIntegerArray repeatable;

    private final Arena arena = Arena.ofShared();
    private ZoneRecords live;

    private ZoneTable(long size, ZoneLimits limits, int conventional, @Nullable OwnedFile file) {
        long count = size / limits.zoneSize();
        if (count == 0 || count > MOST_ZONES) {
            throw new IllegalArgumentException(
                    "zoned: %d bytes are %d zones of %d, and there may be 1 to %d"
                            .formatted(size, count, limits.zoneSize(), MOST_ZONES));
        }
        if (conventional < 0 || conventional >= count) {
            throw new IllegalArgumentException(
                    "zoned: of %d zones %d cannot be conventional".formatted(count, conventional));
        }
        this.limits = limits;
        this.conventional = conventional;
        this.zones = (int) count;
        this.zoneSectors = limits.zoneSize() >> SECTOR_SHIFT;
        this.capacitySectors = limits.zoneCapacity() >> SECTOR_SHIFT;
        this.file = file;
        this.words = new AtomicLongArray(zones);
        this.dirty = new AtomicIntegerArray(pages());
        // As large as it gets: to open a zone needs no memory.
        this.implicit = new BitSet(zones);
        this.live = new ZoneRecords(arena.allocate((long) pages() * PAGE, Long.BYTES));
        for (int zone = 0; zone < zones; zone++) {
            words.set(zone, word(Condition.EMPTY, 0));
            live.condition(zone, Condition.EMPTY);
        }
    }

    /**
     * {@return a table of empty zones that lasts as long as the target}
     *
     * @param size bytes of the device; what is no whole zone is left out
     * @param conventional how many zones have no write pointer, the first ones
     * @throws IllegalArgumentException when there are no such zones
     */
    public static ZoneTable inMemory(long size, ZoneLimits limits, int conventional) {
        return new ZoneTable(size, limits, conventional, null);
    }

    /**
     * {@return the table in a file, which is made, with empty zones, when it is not there or empty}
     *
     * @param size bytes of the device; what is no whole zone is left out
     * @param conventional how many zones have no write pointer, the first ones
     * @throws IOException when the file cannot be read, is another's, or the table of other zones
     * @throws IllegalArgumentException when there are no such zones
     */
    public static ZoneTable inFile(Path path, long size, ZoneLimits limits, int conventional)
            throws IOException {
        inMemory(size, limits, conventional).close();
        OwnedFile file = OwnedFile.open(path, "the table of a zoned target");
        try {
            ZoneTable table = new ZoneTable(size, limits, conventional, file);
            table.begin(file.channel(), path);
            file.keep();
            return table;
        } catch (Throwable e) {
            file.close();
            throw e;
        }
    }

    /** {@return whether the file was made for this table} */
    public boolean isNew() {
        return file != null && file.isNew();
    }

    private void begin(FileChannel channel, Path path) throws IOException {
        ByteBuffer header = ByteBuffer.allocate(PAGE).order(ByteOrder.LITTLE_ENDIAN);
        if (OwnedFile.isUnbegun(channel, PAGE, fileBytes())) {
            create(channel, header);
        } else {
            boolean whole = OwnedFile.readAll(channel, header, 0);
            check(path, whole, header.clear());
            read(channel, header, path);
        }
    }

    private void create(FileChannel channel, ByteBuffer header) throws IOException {
        header.putLong(0, MAGIC);
        header.putInt(8, VERSION);
        header.putInt(12, conventional);
        header.putLong(16, size());
        header.putLong(24, limits.zoneSize());
        header.putLong(CAPACITY_AT, limits.zoneCapacity());
        // Every page is written, as a hole may find no room; the header comes last.
        for (int page = 0; page < pages(); page++) {
            OwnedFile.writeAll(channel, page(page), durableAt(page));
        }
        beginLive(channel);
        OwnedFile.writeAll(channel, header, 0);
        claim(channel);
        channel.force(true);
    }

    private void check(Path path, boolean whole, ByteBuffer header) throws IOException {
        if (!whole || header.getLong(0) != MAGIC) {
            throw new IOException(path + " is not the table of a zoned target");
        }
        if (header.getInt(8) != VERSION) {
            throw new IOException(
                    "%s is a table of zones of version %d, and this is for %d"
                            .formatted(path, header.getInt(8), VERSION));
        }
        long capacity = header.getLong(CAPACITY_AT);
        capacity = capacity == 0 ? header.getLong(24) : capacity;
        if (header.getLong(24) != limits.zoneSize()
                || capacity != limits.zoneCapacity()
                || header.getLong(16) != size()
                || header.getInt(12) != conventional) {
            throw new IOException(
                    "%s is the table of %d zones of %d bytes, each written up to %d, %d conventional, and not of %d of %d bytes, each written up to %d, %d conventional"
                            .formatted(
                                    path,
                                    header.getLong(16) / Math.max(1, header.getLong(24)),
                                    header.getLong(24),
                                    capacity,
                                    header.getInt(12),
                                    zones,
                                    limits.zoneSize(),
                                    limits.zoneCapacity(),
                                    conventional));
        }
    }

    private void read(FileChannel channel, ByteBuffer header, Path path) throws IOException {
        if (channel.size() < fileBytes()) {
            throw new IOException(path + " is cut off: it has not a record for each zone");
        }
        byte[] boot = new byte[OwnedFile.BOOT_BYTES];
        header.get(BOOT_AT, boot);
        boolean isLive = boot[0] != 0 && Arrays.equals(boot, OwnedFile.bootId());
        ByteBuffer page = ByteBuffer.allocate(PAGE);
        for (int number = 0; number < pages(); number++) {
            long at = isLive ? liveAt(number) : durableAt(number);
            if (!OwnedFile.readAll(channel, page.clear(), at)) {
                throw new IOException(path + " ends early");
            }
            live.fill(number * RECORDS, page.flip());
        }
        for (int zone = 0; zone < zones; zone++) {
            load(zone, isLive);
        }
        if (isLive) {
            boolean diedThere = header.getInt(IN_USE_AT) != 0;
            repeatable = diedThere ? new AtomicIntegerArray(zones) : null;
            for (int page2 = 0; page2 < pages(); page2++) {
                dirty.set(page2, 1);
            }
        }
        beginLive(channel);
        claim(channel);
    }

    /** Takes over what a record says, as far as it can be. */
    private void load(int zone, boolean isLive) {
        long written = Math.clamp(live.written(zone), 0, capacitySectors);
        Condition condition = live.condition(zone);
        if (condition == Condition.FULL || written == capacitySectors) {
            condition = Condition.FULL;
            written = capacitySectors;
        } else if (!isLive || !condition.isOpen()) {
            condition = written == 0 ? Condition.EMPTY : Condition.CLOSED;
        }
        live.written(zone, written);
        live.condition(zone, condition);
        words.set(zone, word(condition, written));
        open += condition.isOpen() ? 1 : 0;
        active += condition.isActive() ? 1 : 0;
        implicit.set(zone, condition == Condition.IMPLICITLY_OPEN);
    }

    /** Has the live area of the file take the records from now on. */
    private void beginLive(FileChannel channel) throws IOException {
        // Until it is whole, it counts for no kernel.
        OwnedFile.writeAll(channel, ByteBuffer.allocate(OwnedFile.BOOT_BYTES), BOOT_AT);
        for (int page = 0; page < pages(); page++) {
            OwnedFile.writeAll(channel, page(page), liveAt(page));
        }
        live =
                new ZoneRecords(
                        channel.map(
                                FileChannel.MapMode.READ_WRITE,
                                liveAt(0),
                                (long) pages() * PAGE,
                                arena));
    }

    private static void claim(FileChannel channel) throws IOException {
        writeInUse(channel, 1);
        OwnedFile.writeAll(channel, ByteBuffer.wrap(OwnedFile.bootId()), BOOT_AT);
    }

    private static void writeInUse(FileChannel channel, int value) throws IOException {
        ByteBuffer bytes = ByteBuffer.allocate(Integer.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        OwnedFile.writeAll(channel, bytes.putInt(0, value), IN_USE_AT);
    }

    private ByteBuffer page(int number) {
        return live.page(number * RECORDS, RECORDS);
    }

    private int pages() {
        return (zones + RECORDS - 1) / RECORDS;
    }

    private static long durableAt(int page) {
        return PAGE + (long) page * PAGE;
    }

    private long liveAt(int page) {
        return durableAt(pages() + page);
    }

    private long fileBytes() {
        return liveAt(pages());
    }

    /** {@return bytes of the device, a whole number of zones} */
    public long size() {
        return zones * limits.zoneSize();
    }

    /** {@return what the zones are like} */
    public ZoneLimits limits() {
        return limits;
    }

    /** {@return how many zones there are} */
    public int zones() {
        return zones;
    }

    /** {@return how many of them have no write pointer, which are the first} */
    public int conventional() {
        return conventional;
    }

    /** {@return whether the table is in a file} */
    boolean isInFile() {
        return file != null;
    }

    /** {@return the zone that a byte lies in} */
    int zoneOf(long at) {
        return (int) (at >> SECTOR_SHIFT >> Long.numberOfTrailingZeros(zoneSectors));
    }

    /** {@return the first byte of a zone} */
    long startOf(int zone) {
        return zone * limits.zoneSize();
    }

    /** {@return whether a zone has no write pointer} */
    boolean isConventional(int zone) {
        return zone < conventional;
    }

    /** {@return a zone as it is now} */
    Zone zone(int number) {
        long start = startOf(number);
        if (isConventional(number)) {
            return new Zone(
                    start,
                    limits.zoneSize(),
                    limits.zoneSize(),
                    true,
                    Condition.NO_WRITE_POINTER,
                    start + limits.zoneSize());
        }
        long word = words.get(number);
        return new Zone(
                start,
                limits.zoneSize(),
                limits.zoneCapacity(),
                false,
                condition(word),
                start + (pointer(word) << SECTOR_SHIFT));
    }

    private static long word(Condition condition, long pointer) {
        return (pointer << CONDITION_BITS) | condition.code();
    }

    private static Condition condition(long word) {
        return ZoneRecords.conditionOf(word & ((1 << CONDITION_BITS) - 1));
    }

    private static long pointer(long word) {
        return word >> CONDITION_BITS;
    }

    /**
     * Begins a write, which moves the write pointer.
     *
     * @param at byte of the device where it begins, or of the zone for one that begins {@link
     *     #ANYWHERE}
     * @return the byte of the device where it begins, or a negative errno
     */
    long beginWrite(int zone, long at, long bytes) {
        long sectors = bytes >> SECTOR_SHIFT;
        long wanted = at == ANYWHERE ? ANYWHERE : (at - startOf(zone)) >> SECTOR_SHIFT;
        while (true) {
            long word = words.get(zone);
            long pointer = pointer(word);
            if (wanted != ANYWHERE && wanted != pointer) {
                return repeats(zone, wanted, sectors) ? at : EIO;
            }
            if (condition(word) == Condition.FULL || pointer + sectors > capacitySectors) {
                return EIO;
            }
            boolean fills = pointer + sectors == capacitySectors;
            if (!fills && condition(word).isOpen()) {
                if (words.compareAndSet(zone, word, word(condition(word), pointer + sectors))) {
                    return begun(zone, pointer);
                }
            } else {
                int errno = fills ? fill(zone, word) : openFor(zone, Condition.IMPLICITLY_OPEN);
                if (errno < 0) {
                    return errno;
                }
                if (fills && errno > 0) {
                    return begun(zone, pointer);
                }
            }
        }
    }

    private long begun(int zone, long pointer) {
        AtomicIntegerArray done = repeatable;
        if (done != null) {
            done.set(zone, 1);
        }
        return startOf(zone) + (pointer << SECTOR_SHIFT);
    }

    /** {@return whether a write is one that the former server has done and not told of} */
    private boolean repeats(int zone, long wanted, long sectors) {
        AtomicIntegerArray done = repeatable;
        return done != null
                && live.written(zone) == wanted + sectors
                && live.lastBegin(zone) == wanted
                && done.compareAndSet(zone, 0, 1);
    }

    /**
     * {@return 1 when the zone has been filled, 0 when it has changed before, or a negative errno}
     */
    private synchronized int fill(int zone, long word) {
        if (!condition(word).isOpen()) {
            int errno = openFor(zone, Condition.IMPLICITLY_OPEN);
            return Math.min(errno, 0); // and looked at again
        }
        if (!words.compareAndSet(zone, word, word(Condition.FULL, capacitySectors))) {
            return 0;
        }
        implicit.clear(zone);
        open--;
        active--;
        return 1;
    }

    /**
     * Ends a write.
     *
     * @param at byte of the device where it began
     * @param isDone whether it has been written
     */
    void endWrite(int zone, long at, long bytes, boolean isDone) {
        long begin = (at - startOf(zone)) >> SECTOR_SHIFT;
        long end = begin + (bytes >> SECTOR_SHIFT);
        if (isDone) {
            live.wrote(zone, begin, end);
            touch(zone);
        } else {
            takeBack(zone, begin, end);
        }
    }

    /** Moves the write pointer back, where no later write has begun. */
    private synchronized void takeBack(int zone, long begin, long end) {
        while (true) {
            long word = words.get(zone);
            Condition condition = condition(word);
            if (pointer(word) != end || live.written(zone) >= end || !condition.isActive()) {
                break;
            }
            if (words.compareAndSet(zone, word, word(condition, begin))) {
                return;
            }
        }
        boolean wasFilled =
                end == capacitySectors
                        && words.get(zone) == word(Condition.FULL, capacitySectors)
                        && live.condition(zone) != Condition.FULL
                        && live.written(zone) < end;
        if (wasFilled) {
            active++;
            change(zone, begin == 0 ? Condition.EMPTY : Condition.CLOSED, begin);
            active -= begin == 0 ? 1 : 0;
        }
    }

    /** Sets a zone that nobody writes, and its record; holding the monitor. */
    private void change(int zone, Condition condition, long pointer) {
        words.set(zone, word(condition, pointer));
        record(zone, condition);
    }

    private void record(int zone, Condition condition) {
        live.condition(zone, condition);
        touch(zone);
    }

    /** Opens a zone for the operation of that name; 0 or a negative errno. */
    int open(int zone) {
        return isConventional(zone) ? EIO : openFor(zone, Condition.EXPLICITLY_OPEN);
    }

    private synchronized int openFor(int zone, Condition how) {
        long word = words.get(zone);
        Condition condition = condition(word);
        if (condition == Condition.FULL) {
            return EIO;
        }
        if (condition.isOpen()) {
            return how == condition || how == Condition.IMPLICITLY_OPEN ? 0 : makeExplicit(zone);
        }
        if (condition == Condition.EMPTY
                && limits.maxActive() != 0
                && active >= limits.maxActive()) {
            return Errno.EOVERFLOW.negated();
        }
        if (limits.maxOpen() != 0 && open >= limits.maxOpen() && !closeOne()) {
            return Errno.ETOOMANYREFS.negated();
        }
        active += condition == Condition.EMPTY ? 1 : 0;
        open++;
        implicit.set(zone, how == Condition.IMPLICITLY_OPEN);
        change(zone, how, pointer(word));
        return 0;
    }

    private int makeExplicit(int zone) {
        implicit.clear(zone);
        move(zone, Condition.EXPLICITLY_OPEN);
        return 0;
    }

    /** Gives an open zone another condition, while others may write it. */
    private void move(int zone, Condition condition) {
        long word;
        do {
            word = words.get(zone);
        } while (!words.compareAndSet(zone, word, word(condition, pointer(word))));
        record(zone, condition);
    }

    /** Closes a zone that was opened by a write; false where there is none. */
    private boolean closeOne() {
        int zone = implicit.nextSetBit(0);
        if (zone < 0) {
            return false;
        }
        closeOpen(zone);
        return true;
    }

    private void closeOpen(int zone) {
        implicit.clear(zone);
        open--;
        move(zone, Condition.CLOSED);
        if (words.compareAndSet(zone, word(Condition.CLOSED, 0), word(Condition.EMPTY, 0))) {
            active--;
            record(zone, Condition.EMPTY);
        }
    }

    /** Closes a zone; 0 or a negative errno. */
    synchronized int close(int zone) {
        Condition condition = condition(words.get(zone));
        if (isConventional(zone) || condition == Condition.FULL) {
            return EIO;
        }
        if (condition.isOpen()) {
            closeOpen(zone);
        }
        return 0;
    }

    /** Makes a zone full; 0 or a negative errno. */
    synchronized int finish(int zone) {
        if (isConventional(zone)) {
            return EIO;
        }
        Condition condition = condition(words.get(zone));
        if (condition == Condition.EMPTY) {
            // It is active for a moment.
            int errno = openFor(zone, Condition.IMPLICITLY_OPEN);
            if (errno < 0) {
                return errno;
            }
        }
        leave(zone);
        change(zone, Condition.FULL, capacitySectors);
        return 0;
    }

    /** Empties a zone; 0 or a negative errno. */
    synchronized int reset(int zone) {
        if (isConventional(zone)) {
            return EIO;
        }
        leave(zone);
        change(zone, Condition.EMPTY, 0);
        live.empty(zone);
        return 0;
    }

    /** Empties all zones that have a write pointer. */
    synchronized void resetAll() {
        for (int zone = conventional; zone < zones; zone++) {
            int _ = reset(zone);
        }
    }

    /** Takes a zone out of the counts, and the write under way its chance to come again. */
    private void leave(int zone) {
        Condition condition = condition(words.get(zone));
        implicit.clear(zone);
        open -= condition.isOpen() ? 1 : 0;
        active -= condition.isActive() ? 1 : 0;
        AtomicIntegerArray done = repeatable;
        if (done != null) {
            done.set(zone, 1);
        }
    }

    private void touch(int zone) {
        int page = zone / RECORDS;
        if (file != null && dirty.get(page) == 0) {
            dirty.set(page, 1);
        }
    }

    /**
     * {@return the pages that have changed since they were taken last} What has been taken is to be
     * written, or put back.
     */
    ChangedPages take() {
        ChangedPages pages = new ChangedPages();
        boolean isTaken = false;
        try {
            pages.take();
            isTaken = true;
        } finally {
            if (!isTaken) {
                pages.putBack();
            }
        }
        return pages;
    }

    /** Pages of records as they were at one moment. */
    final class ChangedPages implements TableWriter.Pages {
        private final int[] numbers = new int[pages()];
        private final ByteBuffer[] records = new ByteBuffer[pages()];
        private int count;

        private void take() {
            for (int page = 0; page < numbers.length; page++) {
                if (dirty.compareAndSet(page, 1, 0)) {
                    numbers[count++] = page;
                    records[count - 1] = page(page);
                }
            }
        }

        @Override
        public void write() throws IOException {
            if (file == null || count == 0) {
                return;
            }
            for (int i = 0; i < count; i++) {
                OwnedFile.writeAll(file.channel(), records[i], durableAt(numbers[i]));
            }
            file.channel().force(false);
        }

        @Override
        public void putBack() {
            for (int i = 0; i < count; i++) {
                dirty.set(numbers[i], 1);
            }
        }
    }

    /** Lets go of the file. */
    @Override
    public void close() throws IOException {
        if (!arena.scope().isAlive()) {
            return;
        }
        arena.close();
        OwnedFile held = file;
        if (held != null) {
            try (held) {
                writeInUse(held.channel(), 0);
            }
        }
    }
}
