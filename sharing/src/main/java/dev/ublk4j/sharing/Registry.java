package dev.ublk4j.sharing;

import dev.ublk4j.driver.ControlTimeoutException;
import dev.ublk4j.handover.BufferEntry;
import dev.ublk4j.handover.Exchange;
import dev.ublk4j.handover.HandoverException;
import dev.ublk4j.handover.Request;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.Fd;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.linux.Peer;
import dev.ublk4j.server.Device;
import dev.ublk4j.sharedmemory.SharedMemory;
import dev.ublk4j.sharing.MemoryCheck.Promise;
import dev.ublk4j.sharing.MemoryCheck.Range;
import dev.ublk4j.sharing.store.BufferStore;
import dev.ublk4j.sharing.store.Estate.Heirloom;
import java.lang.System.Logger.Level;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentNavigableMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * The buffers of a device that were handed over, by index. Any thread.
 *
 * <p>A buffer is taken out before it is released, so that whoever takes it out releases it, once.
 * While the driver registers or unregisters, no lock is held but that of the {@link BufferStore}.
 */
final class Registry {
    private static final System.Logger LOG = System.getLogger(Registry.class.getName());

    private static final int KNOWN_FLAGS = Exchange.READ_ONLY | Exchange.KEEP | Exchange.TRUSTED;

    private static final long NO_MEMORY_PAUSE_NANOS = 10_000_000;

    private final Device device;
    private final Quota quota;
    private final BufferStore store;
    private final ConcurrentNavigableMap<Integer, HandedBuffer> buffers =
            new ConcurrentSkipListMap<>();
    private volatile boolean closed;

    Registry(Device device, Quota quota, BufferStore store) {
        this.device = device;
        this.quota = quota;
        this.store = store;
    }

    /**
     * Takes over what a former server shared, for its clients to claim. What that was about to take
     * back is taken back now.
     */
    void inherit(Heirloom inherited) {
        HandedBuffer buffer = new HandedBuffer(device, inherited);
        quota.inherit(buffer.from().pid(), buffer.length());
        buffers.put(buffer.index(), buffer);
        if (inherited.isUnwanted() && buffers.remove(buffer.index(), buffer)) {
            releaseOrLog(buffer);
        }
    }

    /** Takes back what belonged to connections of a former server, and nobody has claimed. */
    void expire() {
        releaseIf(HandedBuffer::tryExpire);
    }

    /** {@return whether a file is shared from a path} */
    boolean has(Path path) {
        return buffers.values().stream().anyMatch(buffer -> path.equals(buffer.path()));
    }

    /**
     * Checks memory, maps it and shares it with the device.
     *
     * @param memory belongs to the registry from now on, also when this fails
     * @param path where the memory is a file that stays, null for any other
     * @param from who hands it over
     * @param holder the connection that it belongs to unless it is kept, null for none
     * @throws LinuxException when it is unfit, beyond a limit, or refused by the driver
     */
    HandedBuffer register(
            SharedMemory memory,
            Request.Register request,
            @Nullable Path path,
            Peer from,
            @Nullable ClientConnection holder) {
        try {
            checkRequest(request);
            boolean trusted = (request.flags() & Exchange.TRUSTED) != 0;
            Range range =
                    MemoryCheck.check(
                            memory,
                            request.offset(),
                            request.length(),
                            trusted ? Promise.WORD : Promise.SEAL);
            HandedBuffer inherited = holdInherited(memory, range, request, from, holder);
            if (inherited != null) {
                memory.close();
                return inherited;
            }
            boolean kept = (request.flags() & Exchange.KEEP) != 0;
            return share(memory, range, request, path, from, kept ? null : holder);
        } catch (Throwable e) {
            memory.close();
            throw e;
        }
    }

    /**
     * Shares memory that a process has not handed over.
     *
     * @param memory belongs to the registry from now on, also when this fails
     * @param request which part, how and under which name
     * @param from whose it is
     * @param holder what it belongs to
     * @throws LinuxException when it is unfit, beyond a limit, or refused by the driver
     */
    HandedBuffer adopt(SharedMemory memory, Request.Register request, Peer from, Adoption holder) {
        try {
            Range range =
                    MemoryCheck.check(memory, request.offset(), request.length(), Promise.NONE);
            return share(memory, range, request, null, from, holder);
        } catch (Throwable e) {
            memory.close();
            throw e;
        }
    }

    private HandedBuffer share(
            SharedMemory memory,
            Range range,
            Request.Register request,
            @Nullable Path path,
            Peer from,
            @Nullable BufferHolder holder) {
        quota.take(from.pid(), range.length());
        try {
            HandedBuffer buffer =
                    store.register(
                            HandedBuffer.draft(memory, range, request, path, from),
                            memory.fd(),
                            () ->
                                    new HandedBuffer(
                                            device,
                                            memory,
                                            range,
                                            request.flags(),
                                            request.name(),
                                            path,
                                            from,
                                            holder),
                            HandedBuffer::index,
                            HandedBuffer::release);
            enter(buffer);
            return buffer;
        } catch (Throwable e) {
            ControlTimeoutException.whenSettled(
                    e, () -> quota.giveBack(from.pid(), range.length()));
            throw e;
        }
    }

    /**
     * {@return which limit one more buffer of a process would pass, empty if none}
     *
     * @param buffers that it is to have besides those that are shared
     * @param bytes of these
     * @param more bytes of the one in question
     */
    String refusal(int client, int buffers, long bytes, long more) {
        return quota.refusal(client, buffers, bytes, more);
    }

    /** {@return the adopted buffers of a former server that nothing holds yet} */
    List<HandedBuffer> inheritedAdoptions() {
        return buffers.values().stream()
                .filter(buffer -> buffer.isInherited() && buffer.isAdopted())
                .toList();
    }

    /** {@return what an adoption holds} */
    List<HandedBuffer> heldBy(Adoption adoption) {
        return buffers.values().stream().filter(buffer -> buffer.isHeldBy(adoption)).toList();
    }

    /** Takes back what an adoption holds of its file beyond a length. */
    void releaseBeyond(Adoption adoption, long length) {
        releaseIf(buffer ->
                buffer.isHeldBy(adoption)
                        && buffer.range().offset() + buffer.range().length() > length);
    }

    /**
     * Waits until a client may have a buffer come or go: each of these freezes the device.
     *
     * @param stop ends the wait, when it can be read
     */
    void pace(Peer from, boolean administers, Fd stop) {
        if (!administers) {
            quota.awaitTurn(from.uid(), stop);
        }
    }

    private static void checkRequest(Request.Register request) {
        if ((request.flags() & ~KNOWN_FLAGS) != 0) {
            throw refused(Errno.EINVAL, "unknown flags in " + request.flags());
        }
        // A list of buffers is printed to an operator's terminal.
        if (request.name().chars().anyMatch(Character::isISOControl)) {
            throw refused(Errno.EINVAL, "control characters in the name");
        }
    }

    /**
     * {@return a buffer of a former server that is just this one, now the connection's; null for
     * none}
     *
     * <p>So a client that comes back and knows of no claims gets its buffer, too.
     */
    private @Nullable HandedBuffer holdInherited(
            SharedMemory memory,
            Range range,
            Request.Register request,
            Peer from,
            @Nullable ClientConnection holder) {
        if (holder == null || (request.flags() & Exchange.KEEP) != 0) {
            return null;
        }
        for (HandedBuffer buffer : buffers.values()) {
            if (buffer.isInherited()
                    && buffer.from().uid() == from.uid()
                    && buffer.isSame(memory, range, request.flags())
                    && buffer.tryHold(holder)) {
                return buffer;
            }
        }
        return null;
    }

    private void enter(HandedBuffer buffer) {
        try {
            HandedBuffer other = buffers.put(buffer.index(), buffer);
            assert other == null : other;
        } catch (OutOfMemoryError e) {
            takeBack(buffer);
            throw e;
        }
        // Whoever closes marks before looking, and this looks after entering: one of the two finds
        // the buffer.
        if (closed && buffers.remove(buffer.index(), buffer)) {
            takeBack(buffer);
            throw refused(Errno.ECANCELED, "the server is stopping");
        }
    }

    /** Takes back what nobody will ask for. Waits for memory if need be: it would stay for good. */
    private void takeBack(HandedBuffer buffer) {
        while (true) {
            try {
                store.unregister(buffer.index(), buffer::release);
                return;
            } catch (OutOfMemoryError e) {
                LockSupport.parkNanos(NO_MEMORY_PAUSE_NANOS);
            }
        }
    }

    /**
     * Takes a buffer back.
     *
     * @param mayRemove whether the buffer is any of the caller's business
     * @throws HandoverException {@code ENOENT} when there is none that is
     */
    void unregister(int index, Predicate<HandedBuffer> mayRemove) {
        HandedBuffer buffer = buffers.get(index);
        if (buffer == null || !mayRemove.test(buffer) || !buffers.remove(index, buffer)) {
            throw refused(Errno.ENOENT, "there is no buffer " + index + " to remove");
        }
        release(buffer);
    }

    /** {@return a buffer that belongs to the device and has an index, or else a name} */
    HandedBuffer find(Request.Claim request) {
        return buffers.values().stream()
                .filter(buffer ->
                        request.index() == Exchange.NO_INDEX
                                ? buffer.name().equals(request.name())
                                : buffer.index() == request.index())
                .findFirst()
                .orElseThrow(() -> refused(Errno.ENOENT, "there is no such buffer"));
    }

    /** Takes back what belongs to a connection or an adoption that has ended. */
    void releaseAll(BufferHolder holder) {
        releaseIf(buffer -> buffer.isHeldBy(holder));
    }

    private void releaseIf(Predicate<HandedBuffer> which) {
        for (HandedBuffer buffer : buffers.values()) {
            if (which.test(buffer) && buffers.remove(buffer.index(), buffer)) {
                releaseOrLog(buffer);
            }
        }
    }

    private void releaseOrLog(HandedBuffer buffer) {
        try {
            release(buffer);
        } catch (ControlTimeoutException e) {
            LOG.log(Level.WARNING, () -> buffer + " will be unregistered later: " + e.getMessage());
        } catch (Throwable e) {
            // The others are taken back all the same. This one stays mapped and counted: the
            // driver, or a queue, may still use it.
            LOG.log(Level.ERROR, () -> buffer + " cannot be unregistered", e);
        }
    }

    private void release(HandedBuffer buffer) {
        try {
            store.unregister(buffer.index(), buffer::release);
        } catch (ControlTimeoutException e) {
            CompletionStage<Void> _ = e.outcome().thenAccept(answer -> goOn(buffer, answer));
            throw e;
        }
        released(buffer);
    }

    /** Goes on with a release that was late, or had to wait for another that was. */
    private void goOn(HandedBuffer buffer, int answer) {
        try {
            if (answer < 0) {
                release(buffer);
            } else {
                boolean _ = buffer.release();
                released(buffer);
            }
        } catch (ControlTimeoutException e) {
            LOG.log(Level.DEBUG, () -> buffer + " will be unregistered later", e);
        } catch (RuntimeException e) {
            LOG.log(Level.ERROR, () -> buffer + " cannot be unregistered", e);
        }
    }

    private void released(HandedBuffer buffer) {
        quota.giveBack(buffer.from().pid(), buffer.length());
        LOG.log(Level.DEBUG, () -> buffer + " is unregistered");
    }

    /** {@return whether a connection has a buffer} */
    boolean hasAny(ClientConnection connection) {
        return buffers.values().stream().anyMatch(buffer -> buffer.isHeldBy(connection));
    }

    /** {@return the buffers from an index on, as a connection sees them} */
    Iterator<BufferEntry> list(int first, ClientConnection asking, Predicate<HandedBuffer> which) {
        return buffers.tailMap(first).values().stream()
                .filter(which)
                .map(buffer -> buffer.entry(asking))
                .iterator();
    }

    /** {@return how many buffers there are} */
    int size() {
        return buffers.size();
    }

    /** Unmaps everything, and leaves it registered for the next server to inherit. */
    void leave() {
        closed = true;
        for (HandedBuffer buffer : buffers.values()) {
            if (buffers.remove(buffer.index(), buffer)) {
                buffer.unmap();
            }
        }
    }

    /** Takes everything back; what is registered from now on is refused. */
    void close() {
        closed = true;
        releaseIf(buffer -> true);
    }

    private static HandoverException refused(Errno errno, String text) {
        return new HandoverException("buffer", "registry", errno.negated(), text);
    }

    @Override
    public String toString() {
        return List.copyOf(buffers.values()).toString();
    }
}
