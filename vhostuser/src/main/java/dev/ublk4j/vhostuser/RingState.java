package dev.ublk4j.vhostuser;

import dev.ublk4j.linux.Fd;
import dev.ublk4j.vhostuser.blk.CallEnd;
import dev.ublk4j.vhostuser.blk.CallFd;
import dev.ublk4j.vhostuser.blk.Service;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/** What a client has said of one of its rings. One thread. */
final class RingState {
    private static final int NOT_SET = -1;

    private final int index;
    private final CallFd call = new CallFd();
    private int size = NOT_SET;
    private long descriptors = NOT_SET;
    private long available;
    private long used;
    private OptionalInt base = OptionalInt.empty();
    private boolean enabled;
    private @Nullable Service service;

    /** What the client was last told of where the ring stands. */
    private OptionalInt told = OptionalInt.empty();

    private boolean baseExact;
    private @Nullable Fd kickFd;
    private @Nullable CallEnd callEnd;

    /** What the client was called with before; may be in use until the ring's queue has changed. */
    private final List<CallEnd> formerCalls = new ArrayList<>();

    RingState(int index) {
        this.index = index;
    }

    int index() {
        return index;
    }

    int size() {
        return size;
    }

    void setSize(int newSize) {
        size = newSize;
    }

    long descriptors() {
        return descriptors;
    }

    long available() {
        return available;
    }

    long used() {
        return used;
    }

    void setAddresses(long newDescriptors, long newAvailable, long newUsed) {
        descriptors = newDescriptors;
        available = newAvailable;
        used = newUsed;
    }

    /**
     * {@return where the ring stands}
     *
     * @param atFirst where a new ring does
     */
    int base(int atFirst) {
        return base.orElse(atFirst);
    }

    /** The client says where the ring stands. */
    void setBase(int newBase) {
        base = OptionalInt.of(newBase);
        baseExact = told.isPresent() && told.getAsInt() == newBase;
    }

    /** The ring has stopped there, which the client is told. */
    void stopAt(int newBase) {
        base = OptionalInt.of(newBase);
        told = base;
        baseExact = true;
    }

    /** {@return whether the base is one that was found here, rather than a client's own} */
    boolean isBaseExact() {
        return baseExact;
    }

    void setEnabled(boolean newEnabled) {
        enabled = newEnabled;
    }

    boolean isServed() {
        return service != null;
    }

    /** {@return what the ring's queue serves, or has been told to serve} */
    @Nullable Service service() {
        return service;
    }

    void setService(@Nullable Service newService) {
        service = newService;
    }

    @Nullable Fd kick() {
        return kickFd;
    }

    /** Takes over a descriptor, or null for none. */
    void setKick(@Nullable Fd newKick) {
        if (kickFd != null) {
            kickFd.close();
        }
        kickFd = newKick;
    }

    CallFd call() {
        return call;
    }

    /**
     * Takes over what the client is called with, or null for nothing; what was before stays open.
     */
    void setCall(@Nullable CallEnd newCall) {
        if (callEnd != null) {
            formerCalls.add(callEnd);
        }
        callEnd = newCall;
    }

    /** Closes what the client was called with before, which nobody uses any more. */
    void closeFormerCalls() {
        formerCalls.forEach(CallEnd::close);
        formerCalls.clear();
    }

    /** {@return whether everything has been said that is needed to serve the ring} */
    boolean isComplete() {
        return kickFd != null && enabled && size != NOT_SET && descriptors != NOT_SET;
    }

    void close() {
        setKick(null);
        call.set(null);
        setCall(null);
        closeFormerCalls();
    }

    @Override
    public String toString() {
        return "ring %d of %d, %s%s%s"
                .formatted(
                        index,
                        size,
                        base.isPresent() ? "base 0x%x".formatted(base.getAsInt()) : "new",
                        enabled ? ", enabled" : "",
                        isServed() ? ", served" : "");
    }
}
