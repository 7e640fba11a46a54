package dev.ublk4j.vhostuser;

import dev.ublk4j.linux.Fd;
import dev.ublk4j.vhostuser.blk.CallFd;
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
    private boolean served;
    private @Nullable Fd kickFd;
    private @Nullable Fd callFd;

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

    void setBase(int newBase) {
        base = OptionalInt.of(newBase);
    }

    void setEnabled(boolean newEnabled) {
        enabled = newEnabled;
    }

    boolean isServed() {
        return served;
    }

    void setServed(boolean newServed) {
        served = newServed;
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

    /** Takes over a descriptor, or null for none; the one before must not be in use any more. */
    void setCall(@Nullable Fd newCall) {
        if (callFd != null) {
            callFd.close();
        }
        callFd = newCall;
    }

    /** {@return whether everything has been said that is needed to serve the ring} */
    boolean isComplete() {
        return kickFd != null && enabled && size != NOT_SET && descriptors != NOT_SET;
    }

    void close() {
        setKick(null);
        call.set(null);
        setCall(null);
    }

    @Override
    public String toString() {
        return "ring %d of %d, %s%s%s"
                .formatted(
                        index,
                        size,
                        base.isPresent() ? "base 0x%x".formatted(base.getAsInt()) : "new",
                        enabled ? ", enabled" : "",
                        served ? ", served" : "");
    }
}
