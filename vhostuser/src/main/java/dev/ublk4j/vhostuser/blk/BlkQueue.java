package dev.ublk4j.vhostuser.blk;

import dev.ublk4j.exports.QueueFront;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.uring.IoUring;
import dev.ublk4j.uring.Poll;
import dev.ublk4j.vhostuser.ring.BadRingException;
import dev.ublk4j.vhostuser.ring.DescriptorChain;
import dev.ublk4j.vhostuser.ring.GuestMemory;
import dev.ublk4j.vhostuser.ring.Vring;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.OptionalInt;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * Serves a virtqueue on the thread of one of the device's queues: client's ring, driver, server and
 * target in one thread, to completion.
 *
 * <p>Other threads change what is served with {@link #attach}, {@link #replaceMemory} and {@link
 * #detach}; everything else belongs to the queue's thread.
 */
public final class BlkQueue extends QueueFront {
    /*
     * One turn:
     * ---------
     * 1. What the disk has answered since the last turn is on the used ring already; it is published,
     *    and the client called, once for all of it.
     * 2. Everything the client has made available is submitted. The next pass over the queue's ring
     *    hands it to the target, the one after that commits what the target has answered, which puts it on
     *    the used ring.
     * So a batch costs one call of the client, and with a target that answers at once no other system
     * call.
     *
     * Sleeping:
     * ---------
     * The client is asked to kick, the ring is looked at once more, and only then does the thread sleep.
     * A kick is a completion of the poll that is always armed on the queue's io_uring. The poll is a
     * multishot one, which tells of every new kick; the counter is never read.
     *
     * Changes:
     * --------
     * A ring is taken away only when none of its requests is out, so nothing of a client's memory is
     * touched afterwards. Until then nothing more is taken off the ring. A ring that is broken stays, and
     * is only counted down.
     */
    private final Arena arena = Arena.ofAuto();
    private final MemorySegment header = arena.allocate(BlkRequest.HEADER_BYTES, Long.BYTES);
    private final Changes changes = new Changes(this);

    // Of the queue's thread, from here on.
    private @Nullable Service service;
    private BlkSlot[] slots = {};
    private DescriptorChain chain = new DescriptorChain();
    private int outside;
    private boolean broken;
    private long attachments;

    /** Whether the client kicks: it need not while the thread is awake. */
    private boolean kicksEnabled;

    /**
     * The memory for data that has to be copied; what waits for some is the last that was taken.
     */
    private final BounceMemory bounces = new BounceMemory();

    private @Nullable BlkSlot waiting;

    /**
     * Makes the front of a queue.
     *
     * @param number the queue's
     * @param longestPoll how long to look for requests, at most, before sleeping
     */
    public BlkQueue(int number, Duration longestPoll) {
        super(number, longestPoll);
    }

    /** {@return how many requests had to be copied because the client's data was not aligned} */
    public long bounces() {
        return bounces.count();
    }

    /**
     * Begins to serve a virtqueue, once one before it has ended; from any thread.
     *
     * @return completes when it is served
     */
    public CompletableFuture<@Nullable Void> attach(Service newService) {
        return changes.soon(() -> begin(newService));
    }

    /**
     * Looks descriptors up in other memory from now on, which has all there was; from any thread.
     */
    public CompletableFuture<@Nullable Void> replaceMemory(GuestMemory newMemory) {
        return changes.soon(() -> {
            if (service != null) {
                service.memory().set(newMemory);
            }
        });
    }

    /**
     * Calls the client by another descriptor from now on, null for none, and at once; from any
     * thread.
     */
    public CompletableFuture<@Nullable Void> setCall(@Nullable CallEnd call) {
        return changes.soon(() -> {
            Service served = service;
            if (served != null) {
                served.call().set(call);
                callAnyway(served);
            }
        });
    }

    /**
     * Ends serving, once everything that was taken off the ring has been answered; from any thread.
     *
     * @param served what {@link #attach} was given
     * @return the ring's base, if it was served
     */
    public CompletableFuture<OptionalInt> detach(Service served) {
        return changes.whenNothingIsOut(() -> endService(served));
    }

    private void begin(Service newService) {
        if (service != null) {
            throw new IllegalStateException("queue " + number() + " serves a ring already");
        }
        int size = newService.ring().size();
        if (slots.length != size) {
            BlkSlot[] created = new BlkSlot[size];
            for (int id = 0; id < size; id++) {
                created[id] = new BlkSlot(this, id);
            }
            slots = created;
        }
        bounces.setMost(newService.bounceBytes());
        attachments++;
        armKick(newService);
        service = newService;
        broken = false;
        kicksEnabled = true;
        callAnyway(newService);
    }

    /**
     * Calls although nothing has been answered: a process that died may have answered without
     * calling, and no call of a later answer need make up for it.
     */
    private void callAnyway(Service served) {
        try {
            served.call().signal();
        } catch (LinuxException e) {
            breakRing(e);
        }
    }

    private void armKick(Service served) {
        ring().pollAdd(served.kick().number(), Poll.POLLIN, true, userData(attachments));
    }

    /** Ends a service, if it is the one that there is. */
    private OptionalInt endService(Service expected) {
        if (!expected.equals(service)) {
            return OptionalInt.empty();
        }
        try {
            if (!broken) {
                publish();
            }
        } catch (Throwable e) {
            breakRing(e);
        }
        service = null;
        ring().cancel(userData(attachments), userData(0));
        return OptionalInt.of(expected.ring().base());
    }

    @Override
    protected void completed(long value, int result, int flags) {
        Service served = service;
        if (value != attachments || served == null) {
            return; // of a ring that is no longer served
        }
        if (result < 0) {
            breakRing("cannot wait for its kick descriptor: " + Errno.of(result));
        } else if ((flags & IoUring.IORING_CQE_F_MORE) == 0) {
            try {
                armKick(served);
            } catch (RuntimeException e) {
                breakRing(e);
            }
        }
    }

    @Override
    protected boolean serve() {
        boolean worked = changes.apply(outside);
        worked |= goOnWaiting();
        Service served = service;
        if (served == null || broken) {
            return worked;
        }
        try {
            worked |= publish();
            if (!changes.isHeld()) {
                worked |= take(served);
            }
            return worked;
        } catch (Throwable e) {
            // Whatever it is, it is this client's. The device goes on, for the next one.
            breakRing(e);
        }
        return true;
    }

    @Override
    protected boolean hasClients() {
        return isSound();
    }

    @Override
    protected void goOn() {
        Service served = service;
        if (kicksEnabled && served != null && !broken) {
            kicksEnabled = false;
            try {
                served.ring().disableKicks();
            } catch (Throwable e) {
                breakRing(e);
            }
        }
    }

    @Override
    protected boolean sleep() {
        Service served = service;
        if (kicksEnabled || served == null) {
            return true;
        }
        kicksEnabled = true;
        try {
            return !served.ring().enableKicks();
        } catch (Throwable e) {
            breakRing(e);
            return false;
        }
    }

    private boolean publish() {
        Service served = service;
        if (served != null && served.ring().publish()) {
            served.call().signal();
            return true;
        }
        return false;
    }

    private boolean take(Service served) {
        Vring ring = served.ring();
        int taken = 0;
        while (taken < slots.length && waiting == null) {
            int id = ring.pop(served.memory().get(), chain);
            if (id == Vring.NONE) {
                break;
            }
            taken++;
            BlkSlot slot = slots[id];
            if (slot.isOut()) {
                throw new BadRingException("request " + id + " is made available twice");
            }
            start(slot);
        }
        return taken != 0;
    }

    /** Begins the request that waits for memory, if it can be; answers whether it was. */
    private boolean goOnWaiting() {
        BlkSlot slot = waiting;
        if (slot == null) {
            return false;
        }
        waiting = null;
        if (isSound()) {
            slot.goOn();
        } else {
            slot.finish(Errno.ECANCELED.negated());
        }
        return waiting == null;
    }

    private void start(BlkSlot slot) {
        outside++;
        boolean started = false;
        try {
            slot.start(chain, header);
            started = true;
        } finally {
            if (!started && !slot.isOut()) {
                outside--;
            }
        }
    }

    /** Serves the ring no more, for what its client has done, or what went wrong with it. */
    void breakRing(Throwable e) {
        breakRing(RingFailure.reason(e));
    }

    private void breakRing(String reason) {
        Service served = service;
        if (served != null && !broken) {
            broken = true;
            served.onBroken().accept("queue " + number() + ": " + reason);
        }
    }

    // What the slots need.

    /** {@return whether the client's memory may still be written to} */
    boolean isSound() {
        return !broken && service != null;
    }

    /** {@return what is served, while a request is out} */
    Service served() {
        Service served = service;
        if (served == null) {
            throw new IllegalStateException("queue " + number() + " serves no ring");
        }
        return served;
    }

    void answered(int id, int written) {
        outside--;
        Service served = service;
        if (served != null && !broken) {
            try {
                served.ring().push(id, written);
            } catch (Throwable e) {
                breakRing(e);
            }
        }
    }

    /** Gives the chain that has just been filled away, and takes another for the next. */
    DescriptorChain keepChain() {
        DescriptorChain kept = chain;
        chain = new DescriptorChain();
        return kept;
    }

    BounceMemory bounceMemory() {
        return bounces;
    }

    /** Begins a request when there is memory for its data; nothing more is taken until then. */
    void await(BlkSlot slot) {
        waiting = slot;
    }

    /** The device has stopped: whatever was out has been answered, or nobody will. */
    @Override
    protected void end() {
        outside = 0;
        waiting = null;
        broken = true;
    }

    @Override
    protected boolean hasEnded() {
        return true;
    }

    @Override
    public String toString() {
        return "queue %d: %s, %d out".formatted(number(), service, outside);
    }
}
