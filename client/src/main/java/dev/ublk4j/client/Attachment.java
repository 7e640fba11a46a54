package dev.ublk4j.client;

import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.LinuxException;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * A pool and a block device that belong together, until this is closed.
 *
 * <p>Whether the device's server shares the pool's memory may change at any time, and changes
 * nothing but the number of copies: with {@link #unshare}, with {@link #share}, or because the
 * server has gone. Any thread.
 */
public final class Attachment implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger(Attachment.class.getName());

    private final SharedBufferPool pool;
    private final BlockDevice device;

    /** Held while a server is asked, which may wait for requests but never for a channel. */
    private final ReentrantLock sharingLock = new ReentrantLock();

    private final ReentrantLock channelsLock = new ReentrantLock();
    private final List<DeviceChannel> channels = new ArrayList<>();

    private @Nullable Thread keeper;
    private volatile @Nullable Sharing sharing;
    private volatile @Nullable LinuxException refusal;
    private volatile boolean closed;

    Attachment(SharedBufferPool pool, BlockDevice device) {
        this.pool = pool;
        this.device = device;
    }

    /**
     * Opens the device for the calling thread.
     *
     * @param depth how many requests are sent at a time
     * @param handler takes what has been read and written
     * @throws LinuxException when the device cannot be opened
     */
    public DeviceChannel open(int depth, TransferHandler handler) {
        channelsLock.lock();
        try {
            checkOpen();
            DeviceChannel channel =
                    new DeviceChannel(this, device.open(pool.memory(), depth), handler);
            channels.add(channel);
            return channel;
        } finally {
            channelsLock.unlock();
        }
    }

    /**
     * Opens the device for the calling thread, which is content to be told of requests that failed:
     * {@link DeviceChannel#run} throws then.
     *
     * @param depth how many requests are sent at a time
     * @throws LinuxException when the device cannot be opened
     */
    public DeviceChannel open(int depth) {
        return open(
                depth,
                (buffer, result) -> {
                    LinuxException.check("direct I/O", device.toString(), result);
                    if (result < buffer.requested()) {
                        throw new LinuxException(
                                "direct I/O",
                                "%s, %d of %d bytes".formatted(device, result, buffer.requested()),
                                Errno.EIO.negated());
                    }
                });
    }

    private void checkOpen() {
        if (closed) {
            throw new IllegalStateException("detached: " + this);
        }
    }

    void closed(DeviceChannel channel) {
        channelsLock.lock();
        try {
            channels.remove(channel);
        } finally {
            channelsLock.unlock();
        }
    }

    /**
     * Has the device's server share the pool's memory. Does nothing when it does; a server that was
     * restarted is asked again.
     *
     * @return whether it is shared now; where it is not, {@link #refusal} tells why
     */
    public boolean share() {
        sharingLock.lock();
        try {
            checkOpen();
            if (isShared()) {
                return true;
            }
            release();
            sharing = device.share(pool.file());
            refusal = null;
            return true;
        } catch (LinuxException e) {
            refusal = e;
            return false;
        } finally {
            sharingLock.unlock();
        }
    }

    /**
     * Shares the pool's memory again whenever it is found not to be, as after a restart of the
     * server; until {@link #unshare}, or until this is closed.
     *
     * @param interval how often to look, on a thread of its own
     */
    public void keepShared(Duration interval) {
        Thread thread =
                Thread.ofPlatform()
                        .daemon()
                        .name("sharing " + device)
                        .unstarted(() -> keep(interval));
        sharingLock.lock();
        try {
            checkOpen();
            keeper = thread;
            thread.start();
        } finally {
            sharingLock.unlock();
        }
    }

    private void keep(Duration interval) {
        boolean wanted = true;
        boolean failing = false;
        while (wanted) {
            try {
                wanted = shareAsKeeper();
                failing = false;
            } catch (Throwable e) {
                // There may be no memory or no thread left for a moment: it is tried again.
                if (!failing) {
                    LOG.log(Level.WARNING, () -> "%s is not shared: %s".formatted(this, e));
                }
                failing = true;
            }
            if (wanted) {
                LockSupport.parkNanos(interval.toNanos());
            }
        }
    }

    private boolean shareAsKeeper() {
        sharingLock.lock();
        try {
            boolean wanted = keeper == Thread.currentThread();
            if (wanted && !share()) {
                LOG.log(Level.DEBUG, () -> this + " is not shared: " + refusal);
            }
            return wanted;
        } finally {
            sharingLock.unlock();
        }
    }

    /** Has the server let go of the pool's memory: requests are copied from now on. */
    public void unshare() {
        sharingLock.lock();
        try {
            LockSupport.unpark(keeper);
            keeper = null;
            release();
        } finally {
            sharingLock.unlock();
        }
    }

    private void release() {
        Sharing before = sharing;
        sharing = null;
        if (before != null) {
            before.close();
        }
    }

    /**
     * {@return whether the device's server works in the pool's memory} Requests whose data begins
     * and ends in one buffer of the pool are then not copied.
     */
    public boolean isShared() {
        Sharing now = sharing;
        return now != null && now.isActive();
    }

    /** {@return why the memory is not shared, as far as a server was asked and said no, or null} */
    public @Nullable LinuxException refusal() {
        return refusal;
    }

    SharedBufferPool pool() {
        return pool;
    }

    /** Insists that no channel is open. */
    void requireIdle() {
        channelsLock.lock();
        try {
            if (!channels.isEmpty()) {
                throw new PoolInUseException(
                        "%d channels to %s are open, the first with %d requests under way"
                                .formatted(
                                        channels.size(),
                                        device,
                                        channels.getFirst().requestsUnderWay()));
            }
        } finally {
            channelsLock.unlock();
        }
    }

    /**
     * Detaches the pool from the device. A second call does nothing.
     *
     * @throws PoolInUseException when a channel is open
     */
    @Override
    public void close() {
        channelsLock.lock();
        try {
            requireIdle();
            closed = true;
        } finally {
            channelsLock.unlock();
        }
        try {
            unshare();
        } finally {
            pool.detached(this);
        }
    }

    @Override
    public String toString() {
        return "%s on %s, %s".formatted(pool, device, isShared() ? "shared" : "copied");
    }
}
