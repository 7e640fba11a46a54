package dev.ublk4j.vhostuser;

import dev.ublk4j.linux.Deadline;
import dev.ublk4j.linux.Fd;
import dev.ublk4j.uapi.DeviceInfo;
import dev.ublk4j.vhostuser.blk.CacheMode;
import dev.ublk4j.vhostuser.blk.CallEnd;
import dev.ublk4j.vhostuser.blk.Service;
import dev.ublk4j.vhostuser.ring.BadRingException;
import dev.ublk4j.vhostuser.ring.GuestMemory;
import dev.ublk4j.vhostuser.ring.Vring;
import java.lang.System.Logger.Level;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The rings of one client: starts and stops them, each on the thread of its own queue. One thread.
 */
final class RingTable {
    private static final System.Logger LOG = System.getLogger(RingTable.class.getName());

    /** How often a queue that does not stop is helped over a full counter of its client's. */
    private static final Duration UNBLOCK_PAUSE = Duration.ofMillis(100);

    private final ServedDisk served;
    private final CacheMode cacheMode;
    private final Duration patience;
    private final Consumer<String> onBroken;
    private final List<RingState> rings = new ArrayList<>();
    private @Nullable InflightMemory inflight;

    /**
     * Makes a table of rings of which nothing is known.
     *
     * @param cacheMode of the client
     * @param patience how long what is out may take to be answered, when a ring is to stop
     * @param onBroken told, on the thread of a queue, that its ring makes no sense
     */
    RingTable(
            ServedDisk served, CacheMode cacheMode, Duration patience, Consumer<String> onBroken) {
        this.served = served;
        this.cacheMode = cacheMode;
        this.patience = patience;
        this.onBroken = onBroken;
        for (int index = 0; index < served.device().queues(); index++) {
            rings.add(new RingState(index));
        }
    }

    /**
     * {@return a ring}
     *
     * @throws ProtocolException when there is none
     */
    RingState ring(int index) {
        if (index < 0 || index >= rings.size()) {
            throw new ProtocolException(
                    "ring %d of a disk with %d queues".formatted(index, rings.size()));
        }
        return rings.get(index);
    }

    /**
     * Insists that no ring is served, which might use what is about to go.
     *
     * @throws ProtocolException when one is
     */
    void requireNoneServed() {
        for (RingState ring : rings) {
            if (ring.isServed()) {
                throw new ProtocolException("ring %d is being served".formatted(ring.index()));
            }
        }
    }

    /** Has rings keep what is out in this memory, taken over; none is served. */
    void setInflight(@Nullable InflightMemory newInflight) {
        if (inflight != null) {
            inflight.close();
        }
        inflight = newInflight;
    }

    /** Starts a ring when everything is known of it. */
    void startIfComplete(RingState ring, GuestMemory memory, long features) {
        Fd kick = ring.kick();
        if (ring.isServed() || !ring.isComplete() || kick == null) {
            return;
        }
        Service service = service(ring, kick, memory, features);
        CompletableFuture<@Nullable Void> attaching = served.queue(ring.index()).attach(service);
        // Though it be late: until it is stopped, the queue may begin with it.
        ring.setService(service);
        try {
            await(attaching, ring);
        } catch (ProtocolException e) {
            ring.setService(null);
            throw e;
        }
    }

    private Service service(RingState ring, Fd kick, GuestMemory memory, long features) {
        DeviceInfo info = served.served().info();
        try {
            return new Service(
                    open(ring, memory, features),
                    new Service.MemoryView(memory),
                    served.device(),
                    kick,
                    ring.call(),
                    served.disk(),
                    served.device().geometry().dmaAlignment() - 1,
                    (long) info.queueDepth() * info.maxIoBufBytes(),
                    cacheMode,
                    onBroken);
        } catch (BadRingException | InternalError e) {
            // An InternalError is what the JVM throws where mapped memory is gone.
            throw new ProtocolException("ring %d: %s".formatted(ring.index(), e.getMessage()), e);
        }
    }

    private Vring open(RingState ring, GuestMemory memory, long features) {
        RingFormat format = RingFormat.of(features);
        MemorySegment kept =
                inflight == null ? null : inflight.ring(ring.index(), ring.size(), format);
        Vring opened = format.open(ring, memory, features, kept);
        if (opened.unfinished() > 0) {
            LOG.log(
                    Level.INFO,
                    () ->
                            "ring %d: %d requests of the previous process are executed again"
                                    .formatted(ring.index(), opened.unfinished()));
        }
        return opened;
    }

    /** Stops a ring, when nothing of it is out any more; does nothing when it is not served. */
    void stop(RingState ring) {
        Service service = ring.service();
        if (service != null) {
            finishStop(ring, served.queue(ring.index()).detach(service));
        }
    }

    /** Stops all rings, and answers with those that were served. */
    List<RingState> stopAll() {
        List<RingState> stopping = new ArrayList<>();
        List<CompletableFuture<OptionalInt>> stops = new ArrayList<>();
        for (RingState ring : rings) {
            Service service = ring.service();
            if (service != null) {
                stopping.add(ring);
                stops.add(served.queue(ring.index()).detach(service));
            }
        }
        for (int i = 0; i < stopping.size(); i++) {
            finishStop(stopping.get(i), stops.get(i));
        }
        return stopping;
    }

    private void finishStop(RingState ring, CompletableFuture<OptionalInt> stop) {
        OptionalInt base = await(stop, ring);
        ring.setService(null);
        base.ifPresent(ring::stopAt);
    }

    /** Stops all rings, and waits for it as long as it takes; the client has gone. */
    void stopAllHoweverLate() {
        for (RingState ring : rings) {
            Service service = ring.service();
            if (service != null) {
                ring.call().set(null);
                served.queue(ring.index())
                        .detach(service)
                        .handle((base, ended) -> base == null ? OptionalInt.empty() : base)
                        .join();
                ring.setService(null);
            }
        }
    }

    /** Has all rings look descriptors up in other memory, which has more than there was. */
    void replaceMemory(GuestMemory memory) {
        for (RingState ring : rings) {
            if (ring.isServed()) {
                await(served.queue(ring.index()).replaceMemory(memory), ring);
            }
        }
    }

    /** Has a ring call by another descriptor, taken over; null for none. */
    void setCall(RingState ring, @Nullable CallEnd call) {
        ring.setCall(call);
        if (ring.isServed()) {
            await(served.queue(ring.index()).setCall(call), ring);
        } else {
            ring.call().set(call);
        }
        // The queue's thread uses the one before no longer.
        ring.closeFormerCalls();
    }

    private <T extends @Nullable Object> T await(CompletableFuture<T> change, RingState ring) {
        Deadline deadline = Deadline.in(patience);
        boolean interrupted = false;
        try {
            while (true) {
                try {
                    return change.get(UNBLOCK_PAUSE.toNanos(), TimeUnit.NANOSECONDS);
                } catch (TimeoutException e) {
                    if (deadline.isOver()) {
                        throw new IllegalStateException(
                                "the target does not complete the requests of " + ring, e);
                    }
                    ring.call().unblock();
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
        } catch (ExecutionException e) {
            throw new ProtocolException(ring + " cannot be changed: " + e.getCause(), e);
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    /** Lets go of everything; the rings have been stopped. */
    void close() {
        rings.forEach(RingState::close);
        setInflight(null);
    }

    @Override
    public String toString() {
        return rings.toString();
    }
}
