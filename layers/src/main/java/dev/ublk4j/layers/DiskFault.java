package dev.ublk4j.layers;

import dev.ublk4j.linux.Errno;
import dev.ublk4j.server.Operation;
import dev.ublk4j.server.Request;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Something that a disk does wrong, and with which requests: what a {@link FaultInjector} injects.
 *
 * {@snippet :
 * DiskFault.error(Errno.EIO).on(Operation.WRITE).within(1 << 20, 2 << 20).every(100)
 * DiskFault.parse("error=EIO,op=write,from=1M,to=2M,every=100") // the same
 * }
 *
 * <p>A request is struck when it is one of the operations and touches the range. Of those the first
 * {@link #after} are left alone; of the others one of {@link #every} is taken, by {@link
 * #probability}, until {@link #next} have been. What is random is the same for the same seed and
 * order of requests.
 */
public final class DiskFault {
    private final FaultEffect effect;
    private final Errno errno;
    private final @Nullable LatencyTable latency;

    /** The unit of a torn write, how far one is misdirected, the bytes of a full disk; or 0. */
    private final long amount;

    private Set<Operation> operations;
    private long from;
    private long to = Long.MAX_VALUE;
    private long after;
    private long next = Long.MAX_VALUE;
    private long every = 1;
    private double probability = 1;
    private long seed = 1;
    private FaultAtlas.@Nullable Replica replica;

    private DiskFault(
            FaultEffect effect, Errno errno, @Nullable LatencyTable latency, long amount) {
        this.effect = effect;
        this.errno = errno;
        this.latency = latency;
        this.amount = amount;
        this.operations = effect.usual();
    }

    private DiskFault(DiskFault other) {
        this(other.effect, other.errno, other.latency, other.amount);
        operations = other.operations;
        from = other.from;
        to = other.to;
        after = other.after;
        next = other.next;
        every = other.every;
        probability = other.probability;
        seed = other.seed;
        replica = other.replica;
    }

    private static DiskFault of(FaultEffect effect, long amount) {
        return new DiskFault(effect, Errno.EIO, null, amount);
    }

    /** {@return requests fail, of all operations, and do not get to the disk} */
    public static DiskFault error(Errno errno) {
        return new DiskFault(FaultEffect.ERROR, errno, null, 0);
    }

    /** {@return requests wait for some time before they get to the disk, of all operations} */
    public static DiskFault delay(Duration time) {
        return delay(LatencyTable.of(time));
    }

    /** {@return as {@link #delay(Duration)}, for times that are drawn from a distribution} */
    public static DiskFault delay(LatencyTable times) {
        return new DiskFault(FaultEffect.DELAY, Errno.EIO, times, 0);
    }

    /**
     * {@return requests wait until they are {@linkplain FaultInjector#release released}, of all
     * operations} When the device ends before, they fail with {@code EIO}.
     */
    public static DiskFault hang() {
        return of(FaultEffect.HANG, 0);
    }

    /** {@return {@link #torn(long)}, between sectors of 512 bytes} */
    public static DiskFault torn() {
        return torn(512);
    }

    /**
     * {@return writes are answered as done, and only their first part is stored}
     *
     * @param unit what is stored whole or not at all, in bytes: a block of the disk at least. A
     *     write that is no longer than that is not stored
     */
    public static DiskFault torn(long unit) {
        return of(FaultEffect.TORN, positive("the unit of a torn write", unit));
    }

    /**
     * {@return writes are answered as done, and not stored} The same on a flush is one that lies:
     * nothing is flushed. It can also be on discards and writes of zeroes.
     */
    public static DiskFault lost() {
        return of(FaultEffect.LOST, 0);
    }

    /** {@return writes go to a place that is random; or reads come from there} */
    public static DiskFault misdirected() {
        return of(FaultEffect.MISDIRECTED, 0);
    }

    /**
     * {@return writes go to another place; or reads come from there}
     *
     * @param by how far behind their own, in bytes: whole blocks. Behind the end of the disk is its
     *     beginning
     */
    public static DiskFault misdirected(long by) {
        return of(FaultEffect.MISDIRECTED, positive("how far a write is misdirected", by));
    }

    /**
     * {@return one bit of what is read is another; or, on writes, of what is stored} What has been
     * stored with a wrong bit keeps it until it is written again.
     */
    public static DiskFault rot() {
        return of(FaultEffect.ROT, 0);
    }

    /**
     * {@return writes fail with {@code ENOSPC} when so many bytes have been written since the
     * injection} Those that are written again count again.
     *
     * @param bytes 0 for a disk that is full at once
     */
    public static DiskFault full(long bytes) {
        if (bytes < 0) {
            throw new IllegalArgumentException("a disk of %d bytes".formatted(bytes));
        }
        return of(FaultEffect.FULL, bytes);
    }

    /**
     * {@return writes, discards and writes of zeroes fail with {@code EROFS}: a disk that has
     * stopped to take changes} Linux tells {@code EIO} to who uses a device.
     */
    public static DiskFault writeProtect() {
        return new DiskFault(FaultEffect.WRITE_PROTECT, Errno.EROFS, null, 0);
    }

    private static long positive(String what, long value) {
        if (value < 1) {
            throw new IllegalArgumentException("%s is %d bytes".formatted(what, value));
        }
        return value;
    }

    static void checkRange(long begin, long end) {
        if (begin < 0 || begin >= end) {
            throw new IllegalArgumentException("no bytes lie from %d to %d".formatted(begin, end));
        }
    }

    /**
     * {@return the same for some operations}
     *
     * @throws IllegalArgumentException for one that the fault cannot be on, such as a torn read
     */
    public DiskFault on(Operation first, Operation... others) {
        Set<Operation> chosen = EnumSet.of(first, others);
        for (Operation each : chosen) {
            if (!effect.possible().contains(each)) {
                throw new IllegalArgumentException(
                        "%s is nothing that happens to a %s".formatted(effect.text(), each));
            }
        }
        DiskFault fault = new DiskFault(this);
        fault.operations = chosen;
        return fault;
    }

    /**
     * {@return the same for requests that touch a range alone} A flush touches all.
     *
     * @param begin first byte of the device
     * @param end the byte behind the last
     * @throws IllegalArgumentException for a range of none
     */
    public DiskFault within(long begin, long end) {
        checkRange(begin, end);
        DiskFault fault = new DiskFault(this);
        fault.from = begin;
        fault.to = end;
        return fault;
    }

    /** {@return the same, when so many of the requests have passed} */
    public DiskFault after(long count) {
        if (count < 0) {
            throw new IllegalArgumentException("after %d requests".formatted(count));
        }
        DiskFault fault = new DiskFault(this);
        fault.after = count;
        return fault;
    }

    /** {@return the same, which ends when it has struck so many requests} */
    public DiskFault next(long count) {
        if (count < 1) {
            throw new IllegalArgumentException("the next %d are none".formatted(count));
        }
        DiskFault fault = new DiskFault(this);
        fault.next = count;
        return fault;
    }

    /**
     * {@return the same for one of every {@code count} of the requests}
     *
     * @throws IllegalArgumentException for less than 1
     */
    public DiskFault every(long count) {
        if (count < 1) {
            throw new IllegalArgumentException("every %d is none".formatted(count));
        }
        DiskFault fault = new DiskFault(this);
        fault.every = count;
        return fault;
    }

    /** {@return the same for a share of the requests, from 0 to 1, by {@link #seed}} */
    public DiskFault probability(double share) {
        if (!(share >= 0 && share <= 1)) {
            throw new IllegalArgumentException("a probability is from 0 to 1: " + share);
        }
        DiskFault fault = new DiskFault(this);
        fault.probability = share;
        return fault;
    }

    /** {@return the same with another choice of what is random; 1 unless told otherwise} */
    public DiskFault seed(long value) {
        DiskFault fault = new DiskFault(this);
        fault.seed = value;
        return fault;
    }

    /**
     * {@return the same where an atlas lets it strike} A flush is struck only where nothing is to
     * be kept.
     */
    public DiskFault keepingTo(FaultAtlas.Replica where) {
        DiskFault fault = new DiskFault(this);
        fault.replica = where;
        return fault;
    }

    /**
     * {@return what a text says, as {@link #toString} writes it} What goes wrong is one of {@code
     * error=EIO}, {@code delay=5ms}, {@code hang}, {@code torn}, {@code lost}, {@code misdirected},
     * {@code rot}, {@code full=1G}, {@code write-protect}. Which requests are struck is said by
     * words such as {@code op=write}, {@code from=1M,to=2M}, {@code every=100,next=3}.
     *
     * @throws IllegalArgumentException when it says none, with the reason
     */
    public static DiskFault parse(String text) {
        return FaultText.parse(text);
    }

    FaultEffect effect() {
        return effect;
    }

    Errno errno() {
        return effect == FaultEffect.FULL ? Errno.ENOSPC : errno;
    }

    long amount() {
        return amount;
    }

    long afterCount() {
        return after;
    }

    long nextCount() {
        return next;
    }

    long everyCount() {
        return every;
    }

    double share() {
        return probability;
    }

    /** {@return the first byte of the device that it may strike} */
    public long begin() {
        return from;
    }

    long end() {
        return to;
    }

    boolean names(Request request) {
        return operations.contains(request.operation())
                && (request.operation() == Operation.FLUSH
                        || (request.offset() < to && request.end() > from));
    }

    boolean mayStrike(Request request) {
        FaultAtlas.Replica atlas = replica;
        if (atlas == null) {
            return true;
        }
        return request.operation() == Operation.FLUSH
                ? atlas.mayFaultAnywhere()
                : atlas.mayFault(request.offset(), request.end());
    }

    boolean mayStrike(long begin, long end) {
        FaultAtlas.Replica atlas = replica;
        return atlas == null || atlas.mayFault(begin, end);
    }

    /** {@return how long the request of a number waits, in nanoseconds} */
    long delayNanos(long number) {
        return latency == null ? 0 : latency.nanosAt(chance(~number));
    }

    /** {@return something from 0 to 1, without 1, for the request of a number} */
    double chance(long number) {
        return (mixed(seed, number) >>> 11) * 0x1p-53;
    }

    /** {@return a number below a bound, for the request of a number} */
    long choice(long number, long bound) {
        return Long.remainderUnsigned(mixed(~seed, number), bound);
    }

    /** Mixes two numbers, as the generator SplitMix64 does its state. */
    static long mixed(long seed, long number) {
        long bits = (seed ^ (number * 0x9E3779B97F4A7C15L)) + 0x9E3779B97F4A7C15L;
        bits = (bits ^ (bits >>> 30)) * 0xBF58476D1CE4E5B9L;
        bits = (bits ^ (bits >>> 27)) * 0x94D049BB133111EBL;
        return bits ^ (bits >>> 31);
    }

    /** {@return a text of which {@link #parse} makes the same} */
    @Override
    public String toString() {
        List<String> words = new ArrayList<>();
        words.add(
                switch (effect) {
                    case ERROR -> "error=" + errno.name();
                    case DELAY -> "delay=" + latency;
                    case TORN -> "torn=" + FaultText.size(amount);
                    case MISDIRECTED ->
                            "misdirected="
                                    + (amount == 0 ? FaultText.ANYWHERE : FaultText.size(amount));
                    case FULL -> "full=" + FaultText.size(amount);
                    default -> effect.text();
                });
        if (!operations.equals(effect.usual())) {
            operations.forEach(each -> words.add("op=" + FaultText.name(each)));
        }
        add(words, from != 0, "from", FaultText.size(from));
        add(words, to != Long.MAX_VALUE, "to", FaultText.size(to));
        add(words, after != 0, "after", Long.toString(after));
        add(words, next != Long.MAX_VALUE, "next", Long.toString(next));
        add(words, every != 1, "every", Long.toString(every));
        add(words, probability != 1, "probability", Double.toString(probability));
        add(words, seed != 1, "seed", Long.toString(seed));
        if (replica != null) {
            words.add(replica.toString());
        }
        return String.join(",", words);
    }

    private static void add(List<String> words, boolean isSaid, String name, String value) {
        if (isSaid) {
            words.add(name + "=" + value);
        }
    }
}
