package dev.ublk4j.layers;

import dev.ublk4j.linux.Errno;
import dev.ublk4j.server.Geometry;
import dev.ublk4j.server.LeavesData;
import dev.ublk4j.server.Operation;
import dev.ublk4j.server.Queue;
import dev.ublk4j.server.Request;
import dev.ublk4j.server.Target;
import dev.ublk4j.server.TargetQueue;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * Another target that does on command what a broken disk does: its requests fail, wait, are lost,
 * torn, misdirected or changed.
 *
 * <p>Faults are injected and cleared from any thread, while the device is in use; they hold for
 * requests that come from then on. A request meets the faults in the order in which they were
 * injected, and the first one that strikes it decides; after a delay or a hang it goes on to those
 * behind. As long as no fault strikes, nothing is allocated and no lock is taken.
 *
 * <p>These are faults of a disk, for who uses it. What goes wrong with the I/O of a target itself,
 * beneath it, are the faults of the test kit.
 */
public final class FaultInjector extends Layer {
    /** How often a request that waits looks whether it may go on. */
    private static final long LOOK_NANOS = 20_000_000;

    private static final int MOST_PLACES = 64;
    private static final long PAGE = 4096;
    private static final Injected[] NONE = {};

    private volatile Injected[] injected = NONE;
    private int lastNumber;

    /** A fault that has been injected, and what it has done. Any thread. */
    public static final class Injected {
        private final int number;
        private final DiskFault fault;
        private final AtomicLong matched = new AtomicLong();
        private final AtomicLong struck = new AtomicLong();
        private final AtomicLong hanging = new AtomicLong();
        private final AtomicLong written = new AtomicLong();
        private volatile boolean isOver;

        private Injected(int number, DiskFault fault) {
            this.number = number;
            this.fault = fault;
        }

        /** {@return what it is called: counts from 1 in its injector} */
        public int number() {
            return number;
        }

        /** {@return what was injected} */
        public DiskFault fault() {
            return fault;
        }

        /** {@return how many requests it has struck} */
        public long struck() {
            return struck.get();
        }

        /** {@return how many requests hang because of it} */
        public long hanging() {
            return hanging.get();
        }

        /** {@return the number of a request that is struck, or 0} */
        private long strikes(Request request) {
            if (isOver || !fault.names(request) || !fault.mayStrike(request)) {
                return 0;
            }
            long count = matched.incrementAndGet();
            if (count <= fault.afterCount()
                    || (count - fault.afterCount()) % fault.everyCount() != 0
                    || fault.chance(count) >= fault.share()
                    || hasRoom(request)) {
                return 0;
            }
            long strikes = struck.incrementAndGet();
            if (strikes > fault.nextCount()) {
                struck.decrementAndGet();
                return 0;
            }
            return count;
        }

        private boolean hasRoom(Request request) {
            if (fault.effect() != FaultEffect.FULL) {
                return false;
            }
            if (written.addAndGet(request.length()) <= fault.amount()) {
                return true;
            }
            written.addAndGet(-request.length());
            return false;
        }

        @Override
        public String toString() {
            return "%d: %s, struck %d".formatted(number, fault, struck());
        }
    }

    /**
     * Takes a target.
     *
     * @param target belongs to the layer from now on, also when this throws
     * @param faults are injected at once
     * @throws IllegalArgumentException for a target with integrity metadata: faults go below that,
     *     where it finds them
     */
    public FaultInjector(Target target, DiskFault... faults) {
        super(List.of(target), FaultInjector::geometry);
        for (DiskFault each : faults) {
            Injected _ = inject(each);
        }
    }

    private static Geometry geometry(List<Geometry> legs) {
        Legs.requireNoIntegrity("fault", legs);
        return legs.getFirst();
    }

    /** Has a fault strike from now on. */
    public synchronized Injected inject(DiskFault fault) {
        Injected added = new Injected(++lastNumber, fault);
        List<Injected> more = new ArrayList<>(List.of(injected));
        more.add(added);
        injected = more.toArray(Injected[]::new);
        return added;
    }

    /** {@return what is injected, in order} */
    public List<Injected> faults() {
        return List.of(injected);
    }

    /**
     * Takes a fault back; requests that wait because of it go on.
     *
     * @return whether there was one of this number
     */
    public synchronized boolean clear(int number) {
        return remove(List.of(injected).stream().filter(each -> each.number == number).toList());
    }

    /** Takes all faults back; requests that wait go on. */
    public synchronized void clear() {
        boolean _ = remove(List.of(injected));
    }

    /** Takes the faults back by which requests hang; those go on. */
    public synchronized void release() {
        boolean _ =
                remove(
                        List.of(injected).stream()
                                .filter(each -> each.fault.effect() == FaultEffect.HANG)
                                .toList());
    }

    private boolean remove(List<Injected> some) {
        List<Injected> left = new ArrayList<>(List.of(injected));
        left.removeAll(some);
        injected = left.isEmpty() ? NONE : left.toArray(Injected[]::new);
        some.forEach(each -> each.isOver = true);
        return !some.isEmpty();
    }

    @Override
    protected TargetQueue open(Queue queue, List<TargetQueue> below) {
        return new FaultQueue(queue, below.getFirst());
    }

    /** Data may have to rot: {@code LeavesData} of the target below is not passed on. */
    @Override
    public <A> @Nullable A ability(Class<A> type) {
        if (type.isInstance(this)) {
            return type.cast(this);
        }
        return type == LeavesData.class ? null : legs().getFirst().ability(type);
    }

    private final class FaultQueue implements TargetQueue {
        private final Queue queue;
        private final TargetQueue below;

        FaultQueue(Queue queue, TargetQueue below) {
            this.queue = queue;
            this.below = below;
        }

        @Override
        public void submit(Request request) {
            goOn(request, injected, 0);
        }

        /** Has a request meet the faults from one on. */
        private void goOn(Request request, Injected[] all, int first) {
            for (int i = first; i < all.length; i++) {
                long number = all[i].strikes(request);
                if (number > 0) {
                    if (strike(request, number, all, i)) {
                        return;
                    }
                    // It has found nothing to do to this one.
                    all[i].struck.decrementAndGet();
                }
            }
            below.submit(request);
        }

        /** {@return whether that is the end of the request, or others see to it} */
        private boolean strike(Request request, long number, Injected[] all, int index) {
            DiskFault fault = all[index].fault;
            switch (fault.effect()) {
                case ERROR, FULL, WRITE_PROTECT -> request.complete(fault.errno().negated());
                case LOST -> request.complete(request.whole());
                case DELAY -> {
                    long nanos = fault.delayNanos(number);
                    delay(request, System.nanoTime() + nanos, all, index);
                }
                case HANG -> {
                    all[index].hanging.incrementAndGet();
                    hang(request, all, index);
                }
                case TORN -> tear(request, fault, number);
                case ROT -> rot(request, fault, number);
                case MISDIRECTED -> {
                    return misdirect(request, fault, number);
                }
            }
            return true;
        }

        private void delay(Request request, long until, Injected[] all, int index) {
            long left = until - System.nanoTime();
            // Nobody waits for the rest when the fault is taken back, or the device stops.
            if (left <= 0 || all[index].isOver || queue.isStopping()) {
                goOn(request, all, index + 1);
                return;
            }
            queue.delay(
                    request,
                    Math.min(left, LOOK_NANOS),
                    (late, result) -> {
                        if (result < 0) {
                            late.complete(result);
                        } else {
                            delay(late, until, all, index);
                        }
                    });
        }

        private void hang(Request request, Injected[] all, int index) {
            if (all[index].isOver) {
                all[index].hanging.decrementAndGet();
                goOn(request, all, index + 1);
            } else if (queue.isStopping()) {
                all[index].hanging.decrementAndGet();
                request.complete(Errno.EIO.negated());
            } else {
                queue.delay(
                        request,
                        LOOK_NANOS,
                        (waiting, result) -> {
                            if (result < 0) {
                                all[index].hanging.decrementAndGet();
                                waiting.complete(result);
                            } else {
                                hang(waiting, all, index);
                            }
                        });
            }
        }

        private void tear(Request request, DiskFault fault, long number) {
            int block = geometry().logicalBlockSize();
            long unit = Math.ceilDiv(fault.amount(), block) * block;
            long units = Math.ceilDiv(request.length(), unit);
            if (units < 2) {
                request.complete(request.whole());
            } else {
                long stored = 1 + fault.choice(number, units - 1);
                request.part(0, stored * unit).submitTo(below);
            }
        }

        private boolean misdirect(Request request, DiskFault fault, long number) {
            int block = geometry().logicalBlockSize();
            long size = legs().getFirst().geometry().size();
            long last = (size - request.length()) / block;
            long distance = Math.ceilDiv(fault.amount(), block) * block % size;
            for (int i = 0; i < MOST_PLACES && last > 0; i++) {
                long place =
                        fault.amount() == 0
                                ? fault.choice(number + i, last + 1) * block
                                : Math.min((request.offset() + distance) % size / block, last)
                                        * block;
                if (place != request.offset() && fault.mayStrike(place, place + request.length())) {
                    request.part(0, request.length()).at(place).submitTo(below);
                    return true;
                }
            }
            return false;
        }

        private void rot(Request request, DiskFault fault, long number) {
            long first = Math.max(request.offset(), fault.begin()) - request.offset();
            long last = Math.min(request.end(), fault.end()) - request.offset();
            long at = first + fault.choice(number, last - first);
            int bit = 1 << fault.choice(number + 1, Byte.SIZE);
            if (request.operation() == Operation.READ) {
                MemorySegment data = request.data();
                request.part(0, request.length())
                        .then((_, result) -> {
                            if (result > at) {
                                flip(data, at, bit);
                            }
                            return result;
                        })
                        .submitTo(below);
            } else {
                // The data may be memory of the application, which must not change.
                MemorySegment stored = Arena.ofAuto().allocate(request.length(), PAGE);
                int _ = request.copyTo(stored, 0);
                flip(stored, at, bit);
                request.part(Operation.WRITE, request.offset(), stored).submitTo(below);
            }
        }

        private static void flip(MemorySegment data, long at, int bit) {
            byte before = data.get(ValueLayout.JAVA_BYTE, at);
            data.set(ValueLayout.JAVA_BYTE, at, (byte) (before ^ bit));
        }
    }
}
