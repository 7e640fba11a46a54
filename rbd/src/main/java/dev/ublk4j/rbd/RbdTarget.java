package dev.ublk4j.rbd;

import dev.ublk4j.linux.Errno;
import dev.ublk4j.server.AllocationMap;
import dev.ublk4j.server.Extents;
import dev.ublk4j.server.Geometry;
import dev.ublk4j.server.Queue;
import dev.ublk4j.server.Resizable;
import dev.ublk4j.server.SelfResizing;
import dev.ublk4j.server.Target;
import dev.ublk4j.server.TargetQueue;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;

/**
 * A device in an image of Ceph RBD, or in a snapshot of one, by Ceph's library librbd.
 *
 * <p>Its requests go to librbd as they come, with the memory that they have, and complete when
 * librbd calls back. All queues share one image, and its connection to the cluster. librbd copies
 * what is written once, before it sends it, and what has been read once, from the message that it
 * came in.
 *
 * <p><b>Losing the cluster.</b> Requests wait for OSDs that are down, as long as that takes: they
 * are not sent again by us, and do not fail. A client that the cluster has shut out, because
 * another has broken its lock, has all its requests fail with {@code ESHUTDOWN}.
 *
 * <p><b>The lock.</b> The lock of an image is taken when it is opened to be written, and kept, so
 * that no other client writes it; {@link RbdOptions#shared} leaves it to librbd. Images without the
 * feature {@code exclusive-lock}, and those that are only read, have none.
 *
 * <p><b>Size.</b> A device follows its image when others resize that ({@link SelfResizing}), and an
 * image its device ({@link Resizable}).
 */
public final class RbdTarget implements Target, SelfResizing {
    private static final System.Logger LOG = System.getLogger(RbdTarget.class.getName());

    private static final int SECTOR = 512;

    /** How long the end may take that is waited for; it goes on after that. */
    private static final Duration CLOSE_PATIENCE = Duration.ofSeconds(4);

    private static final long NONE = -1;

    /** The largest range that is described at a time. */
    private static final long LONGEST_DESCRIPTION = 1L << 40;

    private final RbdImage image;
    private final RbdOptions options;
    private final SizeWatch watch;

    /** Calls of librbd that wait, against its end. */
    private final ReentrantReadWriteLock calls = new ReentrantReadWriteLock();

    private volatile long size;

    /** The size that others gave the image, while the device takes it. */
    private volatile long followed = NONE;

    private boolean closed;

    /** Whether the cluster has been asked who uses the image, and has not answered. */
    private final AtomicBoolean asked = new AtomicBoolean();

    private final @Nullable AllocationMap allocation;
    private final @Nullable Resizable resizable;

    private RbdTarget(RbdImage image, RbdOptions options, SizeWatch watch, long size) {
        this.image = image;
        this.options = options;
        this.watch = watch;
        this.size = size;
        this.allocation = image.knowsObjects() ? this::describe : null;
        this.resizable = image.name().snapshot() == null ? this::resize : null;
    }

    /**
     * Opens an image.
     *
     * @throws MissingLibraryException when librbd is not installed, or too old
     * @throws CephException when the image cannot be opened, with the reason: it is not there, or
     *     locked, or the cluster does not let the user in, or does not answer in time
     */
    public static RbdTarget open(RbdImageName name, RbdOptions options) {
        RbdImage image = RbdImage.open(name, options);
        try {
            return Patience.within(
                    options.patience(), "watch", () -> watched(image, options), RbdTarget::close);
        } catch (TimeoutException e) {
            // The call has the image still, and closes it when it comes to its end.
            CephException late =
                    CephException.late(
                            "rbd_update_watch",
                            name.toString(),
                            "%s: the cluster does not answer within %d s"
                                    .formatted(name, options.patience().toSeconds()));
            late.initCause(e);
            throw late;
        }
    }

    /** Takes an image, which is closed where this fails. */
    private static RbdTarget watched(RbdImage image, RbdOptions options) {
        try {
            return watching(image, options);
        } catch (Throwable e) {
            image.closeSlowly();
            throw e;
        }
    }

    private static RbdTarget watching(RbdImage image, RbdOptions options) {
        long size = usable(image.size());
        if (size <= 0) {
            throw new CephException(
                    "rbd_get_size", image.name().toString(), -22, image.name() + " has no block");
        }
        return new RbdTarget(image, options, new SizeWatch(image, size), size);
    }

    /** {@return the whole blocks of a size} */
    static long usable(long bytes) {
        return bytes & -SECTOR;
    }

    @Override
    public Geometry geometry() {
        long object = image.objectBytes();
        Geometry geometry = Geometry.ofSize(size).withForcedUnitAccess();
        boolean isUsual = Long.bitCount(object) == 1 && object >= SECTOR && object <= 1 << 30;
        int unit = isUsual ? (int) object : 0;
        geometry = unit == 0 ? geometry : geometry.withOptimalIo(unit);
        return image.readOnly()
                ? geometry.asReadOnly()
                : geometry.withDiscard(unit == 0 ? SECTOR : unit).withWriteZeroes();
    }

    @Override
    public TargetQueue open(Queue queue) {
        return new ImageQueue(queue, image);
    }

    /**
     * {@return what gives the target an ability} A snapshot cannot be {@linkplain Resizable
     * resized}, and an image that is only read has no size but that which others give it; one
     * without the feature {@code fast-diff} has no {@link AllocationMap}.
     */
    @Override
    public <A> @Nullable A ability(Class<A> type) {
        if (type == AllocationMap.class) {
            return type.cast(allocation);
        }
        return type == Resizable.class ? type.cast(resizable) : Target.super.ability(type);
    }

    @Override
    public void onResize(LongConsumer listener) {
        watch.tell(bytes -> {
            size = bytes;
            followed = bytes;
            try {
                listener.accept(bytes);
            } finally {
                followed = NONE;
            }
        });
    }

    /**
     * {@return who uses the image; null where the cluster does not say so within the time, still
     * owes an earlier answer, or refuses it, as to a client that it has shut out}
     */
    public @Nullable ImageUse use(Duration time) {
        if (!asked.compareAndSet(false, true)) {
            return null;
        }
        try {
            return Patience.within(time, "use", this::askedUse, _ -> {});
        } catch (TimeoutException | CephException e) {
            LOG.log(Level.DEBUG, () -> "the use of %s is not known".formatted(image.name()), e);
            return null;
        } catch (Throwable e) {
            // There may be no thread that asks, and then none that takes note of the answer.
            asked.set(false);
            throw e;
        }
    }

    private ImageUse askedUse() throws Exception {
        try {
            return locked(image::use);
        } finally {
            asked.set(false);
        }
    }

    /** {@return the image} */
    public RbdImageName name() {
        return image.name();
    }

    private void resize(long bytes) {
        if (bytes == followed) {
            // The image may have yet another size by now, and that would be undone.
            size = bytes;
            return;
        }
        if (image.readOnly()) {
            throw new CephException(
                    "rbd_resize",
                    image.name().toString(),
                    Errno.EROFS.negated(),
                    image.name() + " is only read: its device has the size that others give it");
        }
        waiting(
                "resize",
                () -> {
                    // Where the device follows its image, that has the size already.
                    if (usable(image.size()) != bytes) {
                        image.resize(bytes);
                    }
                    size = bytes;
                    return bytes;
                });
    }

    private void describe(long offset, long length, Extents extents) {
        long bytes = Math.min(length, LONGEST_DESCRIPTION);
        // What comes late must not go into the caller's.
        Extents found =
                waiting(
                        "map",
                        () -> {
                            Extents described = new Extents(Integer.MAX_VALUE);
                            ObjectMap.describe(image, offset, bytes, described);
                            return described;
                        });
        boolean more = true;
        for (int i = 0; more && i < found.count(); i++) {
            more = extents.add(found.length(i), found.isData(i));
        }
    }

    private <T> T waiting(String what, Callable<T> call) {
        try {
            return Patience.within(options.patience(), what, () -> locked(call), _ -> {});
        } catch (TimeoutException e) {
            CephException late =
                    CephException.late(
                            "rbd_" + what,
                            image.name().toString(),
                            "%s: the cluster does not answer within %d s"
                                    .formatted(image.name(), options.patience().toSeconds()));
            late.initCause(e);
            throw late;
        }
    }

    private <T> T locked(Callable<T> call) throws Exception {
        Lock lock = calls.readLock();
        lock.lock();
        try {
            if (closed) {
                throw new IllegalStateException(image.name() + " is closed");
            }
            return call.call();
        } finally {
            lock.unlock();
        }
    }

    /**
     * Closes the image and its connection. Where the cluster does not answer, that goes on when
     * this has returned, which it does within seconds.
     */
    @Override
    public void close() {
        endLater(() -> {
            calls.writeLock().lock();
            try {
                if (!closed) {
                    closed = true;
                    watch.end();
                    image.closeSlowly();
                }
            } finally {
                calls.writeLock().unlock();
            }
        });
    }

    private static void endLater(Runnable end) {
        try {
            Object _ =
                    Patience.within(
                            CLOSE_PATIENCE,
                            "close",
                            () -> {
                                end.run();
                                return "";
                            },
                            _ -> {});
        } catch (TimeoutException e) {
            LOG.log(
                    Level.WARNING,
                    "an image is not closed yet, because its cluster does not answer");
        }
    }

    @Override
    public String toString() {
        return "rbd " + image.name();
    }
}
