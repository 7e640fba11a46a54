package dev.ublk4j.testkit.fault;

import dev.ublk4j.linux.Errno;
import dev.ublk4j.uapi.ControlCommand;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jspecify.annotations.Nullable;

/**
 * What is to go wrong between a server and its driver: nothing, until a test says so.
 *
 * <p>Where several faults are about the same I/O, each counts it and the one set first strikes.
 */
public final class Faults {
    private final List<Fault> faults = new CopyOnWriteArrayList<>();
    private final Map<ControlCommand, Refusal> refused = new ConcurrentHashMap<>();
    private final Map<ControlCommand, HeldCommand> held = new ConcurrentHashMap<>();
    private final List<HeldCommand> everHeld = new CopyOnWriteArrayList<>();

    /** How often a command is still refused. */
    private record Refusal(Errno errno, int times) {}

    /** Spoils nothing. */
    public Faults() {}

    /** {@return every read of the target, plain, fixed or vectored} */
    public FaultPoint reads() {
        return FaultPoint.of(this, BackendIo.Kind.READ);
    }

    /** {@return every write of the target, plain, fixed or vectored} */
    public FaultPoint writes() {
        return FaultPoint.of(this, BackendIo.Kind.WRITE);
    }

    /** {@return every {@code fsync} of the target} */
    public FaultPoint syncs() {
        return FaultPoint.of(this, BackendIo.Kind.SYNC);
    }

    /** {@return every {@code fallocate} of the target} */
    public FaultPoint allocations() {
        return FaultPoint.of(this, BackendIo.Kind.ALLOCATE);
    }

    /** {@return every I/O of the target, whatever it is} */
    public FaultPoint anyIo() {
        return FaultPoint.anyIo(this);
    }

    /**
     * Has the server die instead of giving an answer to its driver: those before it arrive.
     *
     * @param number 1 for the next answer, of all queues together
     */
    public Fault killAtAnswer(int number) {
        return FaultPoint.answer(this, number).kill();
    }

    /** Has the driver refuse a control command, each time. */
    public void refuse(ControlCommand command, Errno errno) {
        refuse(command, errno, Integer.MAX_VALUE);
    }

    /**
     * Has the driver refuse a control command, and then carry it out.
     *
     * @param times how often it refuses
     */
    public void refuse(ControlCommand command, Errno errno, int times) {
        refused.put(command, new Refusal(errno, times));
    }

    /**
     * Holds the next control command of a kind before the driver carries it out; its sender runs
     * out of patience at once.
     */
    public HeldCommand hold(ControlCommand command) {
        return hold(command, true);
    }

    /** As {@link #hold}, but the driver carries the command out, and only its answer is late. */
    public HeldCommand holdAnswer(ControlCommand command) {
        return hold(command, false);
    }

    private HeldCommand hold(ControlCommand command, boolean beforeEffect) {
        HeldCommand next = new HeldCommand(command, beforeEffect);
        everHeld.add(next);
        held.put(command, next);
        return next;
    }

    /** {@return what a control command is to be held with, once, or null} */
    @Nullable HeldCommand takeHeld(@Nullable ControlCommand command) {
        return command == null ? null : held.remove(command);
    }

    /** Forgets every fault, and releases what is held. */
    public void clear() {
        refused.clear();
        held.clear();
        everHeld.forEach(HeldCommand::release);
        List<Fault> all = List.copyOf(faults);
        faults.clear();
        for (Fault fault : all) {
            if (fault instanceof HeldIo held) {
                held.release();
            }
        }
    }

    Fault add(Fault fault) {
        faults.add(fault);
        return fault;
    }

    /**
     * {@return the fault that strikes, or null}
     *
     * @param io about to start; null for an answer of the server
     */
    @Nullable Fault strike(@Nullable BackendIo io) {
        Fault first = null;
        for (Fault fault : faults) {
            if (first == null) {
                first = fault.strikes(io) ? fault : null;
            } else {
                fault.skips(io);
            }
        }
        return first;
    }

    /** {@return the errno that a control command is refused with, or null} */
    @Nullable Errno refusal(@Nullable ControlCommand command) {
        if (command == null) {
            return null;
        }
        Errno[] errno = {null};
        refused.computeIfPresent(
                command,
                (_, refusal) -> {
                    errno[0] = refusal.errno;
                    return refusal.times == 1
                            ? null
                            : new Refusal(refusal.errno, refusal.times - 1);
                });
        return errno[0];
    }

    @Override
    public String toString() {
        return faults + (refused.isEmpty() ? "" : ", refused: " + refused);
    }
}
