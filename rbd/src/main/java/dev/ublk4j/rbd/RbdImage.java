package dev.ublk4j.rbd;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.internal.FreeDescriptors;
import java.lang.System.Logger.Level;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * An image that is open, and the connection that it is open over.
 *
 * <p>What asks the cluster may take for ever; opening and closing it take the time that they are
 * given.
 */
final class RbdImage {
    private static final System.Logger LOG = System.getLogger(RbdImage.class.getName());

    /** {@code rbd_image_info_t}: 128 bytes, with {@code size} and {@code obj_size} in front. */
    private static final long INFO_BYTES = 256;

    private static final long INFO_OBJECT_BYTES = 8;

    /** {@code rbd_image_watcher_t}: an address, an id and a cookie. */
    private static final long WATCHER_BYTES = 24;

    /** What there is to say of lockers: their tag, names, cookies and addresses. */
    private static final int LOCKER_TEXTS = 4;

    private static final long LOCKER_ROOM = 4096;

    /** With more, librbd says {@code ERANGE}. */
    private static final long MOST_WATCHERS = 256;

    /** What the library opens for an image on a few OSDs, and what a queue and an export do. */
    private static final int DESCRIPTORS = 32;

    private static final Duration SLACK = Duration.ofSeconds(2);

    private final CephCluster cluster;
    private final RbdImageName name;
    private final RbdOptions options;
    private final long pool;
    private long image;
    private long objectBytes;
    private long features;

    /** Whether an opening that has not come back has the connection still. */
    private volatile boolean isLeft;

    private RbdImage(CephCluster cluster, RbdImageName name, RbdOptions options, long pool) {
        this.cluster = cluster;
        this.name = name;
        this.options = options;
        this.pool = pool;
    }

    /**
     * Opens an image, and takes its lock where it is to be kept.
     *
     * @throws CephException when it cannot be opened in time, with the reason
     */
    static RbdImage open(RbdImageName name, RbdOptions options) {
        CephLibrary.require();
        if (!FreeDescriptors.areAtLeast(DESCRIPTORS)) {
            // Where the library finds none it ends the process, or tries for ever.
            throw new CephException(
                    "rados_create2",
                    name.toString(),
                    Errno.EMFILE.negated(),
                    "%s: librbd needs %d more open files, and one more for each OSD: %s"
                            .formatted(name, DESCRIPTORS, Errno.EMFILE.text()));
        }
        CephCluster cluster = CephCluster.configured(options);
        // Asked for now: the cluster may be closed when it does not answer.
        String unreachable = cluster.unreachable();
        CephCluster _ =
                within(options, name, "connect", cluster::connect, CephCluster::close, unreachable);
        return within(
                options,
                name,
                "open",
                () -> opened(cluster, name, options),
                RbdImage::closeSlowly,
                ("%s: the cluster does not answer within %d s: are its OSDs up, and not full? Does another client hold"
                                + " the image's lock? See 'ceph status' and 'rbd lock list %s'")
                        .formatted(name, options.patience().toSeconds(), name.now()));
    }

    private static <T> T within(
            RbdOptions options,
            RbdImageName name,
            String what,
            Callable<T> call,
            Consumer<T> undo,
            String otherwise) {
        try {
            // Longer than the library's own limit: where it knows more, it shall say it.
            return Patience.within(options.patience().plus(SLACK), what, call, undo);
        } catch (TimeoutException e) {
            CephException late = CephException.late("rbd_" + what, name.toString(), otherwise);
            late.initCause(e);
            throw late;
        }
    }

    private static RbdImage opened(CephCluster cluster, RbdImageName name, RbdOptions options) {
        RbdImage image = null;
        try {
            image = new RbdImage(cluster, name, options, cluster.openPool(name));
            image.openImage();
            image.describe();
            image.takeLock();
            return image;
        } catch (Throwable e) {
            if (image == null) {
                cluster.close();
            } else {
                image.closeSlowly();
            }
            throw e;
        }
    }

    private void openImage() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment handle = arena.allocate(JAVA_LONG);
            long answer = tryOpen(arena, handle, name.snapshot());
            if (answer == Errno.ENOENT.negated()) {
                throw notThere(arena, handle, (int) answer);
            }
            if (answer < 0) {
                throw CephException.of("rbd_open", name.toString(), answer);
            }
            image = handle.get(JAVA_LONG, 0);
        }
    }

    /**
     * Opens what is only read as if it were written, too: librbd does not watch it otherwise, hears
     * of no removal, and reads zeroes from where the data was. Where the user may not watch, or the
     * cluster is full and takes no watch, it is read all the same.
     */
    private long tryOpen(Arena arena, MemorySegment handle, @Nullable String snapshot) {
        if (!readOnly()) {
            return tryOpen(Librbd.OPEN, arena, handle, snapshot);
        }
        long answer = openWatched(handle, snapshot);
        boolean isSettled = answer >= 0 || answer == Errno.ENOENT.negated();
        return isSettled ? answer : tryOpen(Librbd.OPEN_READ_ONLY, arena, handle, snapshot);
    }

    private long openWatched(MemorySegment handle, @Nullable String snapshot) {
        // The call may come back when the caller's memory is gone.
        MemorySegment own = Arena.ofAuto().allocate(JAVA_LONG);
        try {
            long answer =
                    Patience.within(
                            options.patience().dividedBy(2),
                            "watch",
                            () -> {
                                try (Arena texts = Arena.ofConfined()) {
                                    return tryOpen(Librbd.OPEN, texts, own, snapshot);
                                }
                            },
                            late -> {
                                if (late >= 0) {
                                    long _ = Librbd.CLOSE.call(own.get(JAVA_LONG, 0));
                                }
                            });
            handle.set(JAVA_LONG, 0, own.get(JAVA_LONG, 0));
            return answer;
        } catch (TimeoutException e) {
            LOG.log(Level.DEBUG, () -> name + " is not watched", e);
            isLeft = true;
            return Errno.ETIMEDOUT.negated();
        }
    }

    private long tryOpen(
            NativeFunction open, Arena arena, MemorySegment handle, @Nullable String snapshot) {
        return open.call(
                pool,
                CephCluster.text(arena, name.image()),
                handle.address(),
                snapshot == null ? 0 : CephCluster.text(arena, snapshot));
    }

    private CephException notThere(Arena arena, MemorySegment handle, int answer) {
        String snapshot = name.snapshot();
        if (snapshot != null && tryOpen(arena, handle, null) == 0) {
            image = handle.get(JAVA_LONG, 0);
            return new CephException(
                    "rbd_open",
                    name.toString(),
                    answer,
                    "image %s has no snapshot %s; 'rbd snap ls %s' lists them"
                            .formatted(name.now(), snapshot, name.now()));
        }
        return new CephException(
                "rbd_open",
                name.toString(),
                answer,
                "there is no image %s in %s; 'rbd ls %s' lists them, 'rbd create --size 10G %s' makes it"
                        .formatted(name.image(), name.place(), name.place(), name.now()));
    }

    private void describe() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment info = arena.allocate(INFO_BYTES, Long.BYTES);
            check("rbd_stat", Librbd.STAT.call(image, info.address(), INFO_BYTES));
            objectBytes = info.get(JAVA_LONG, INFO_OBJECT_BYTES);
            MemorySegment answer = arena.allocate(JAVA_LONG);
            check("rbd_get_features", Librbd.GET_FEATURES.call(image, answer.address()));
            features = answer.get(JAVA_LONG, 0);
        }
    }

    /** Takes the lock for as long as the image is open, so that nobody else writes it. */
    private void takeLock() {
        if (readOnly() || options.shared() || (features & Librbd.EXCLUSIVE_LOCK) == 0) {
            return;
        }
        if (options.breakLock()) {
            breakLock();
        }
        long answer = Librbd.LOCK_ACQUIRE.call(image, Librbd.LOCK_MODE_EXCLUSIVE);
        if (answer < 0) {
            throw new CephException(
                    "rbd_lock_acquire",
                    name.toString(),
                    (int) answer,
                    "%s is locked by %s: %s; if that client is gone, --break-lock takes its lock"
                            .formatted(name, owner(), CephException.text(answer)));
        }
    }

    private void breakLock() {
        String owner = ownerOrNull();
        if (owner == null) {
            return;
        }
        try (Arena arena = Arena.ofConfined()) {
            long answer =
                    Librbd.LOCK_BREAK.call(
                            image, Librbd.LOCK_MODE_EXCLUSIVE, CephCluster.text(arena, owner));
            if (answer < 0 && answer != Errno.ENOENT.negated()) {
                throw new CephException(
                        "rbd_lock_break",
                        name.toString(),
                        (int) answer,
                        "the lock of %s by %s cannot be broken: %s"
                                .formatted(name, owner, CephException.text(answer)));
            }
        }
    }

    private String owner() {
        String owner = ownerOrNull();
        return owner == null ? "another client" : "a client at " + owner;
    }

    private @Nullable String ownerOrNull() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment mode = arena.allocate(JAVA_INT);
            MemorySegment owners = arena.allocate(JAVA_LONG);
            MemorySegment count = arena.allocateFrom(JAVA_LONG, 1);
            long answer =
                    Librbd.LOCK_GET_OWNERS.call(
                            image, mode.address(), owners.address(), count.address());
            if (answer < 0 || count.get(JAVA_LONG, 0) == 0) {
                return null;
            }
            String owner = NativeFunction.text(owners.get(JAVA_LONG, 0));
            long _ = Librbd.LOCK_GET_OWNERS_CLEANUP.call(owners.address(), 1);
            return owner;
        }
    }

    /** {@return who uses it} */
    ImageUse use() {
        try (Arena arena = Arena.ofConfined()) {
            String owner = readOnly() ? lockerOrNull(arena) : ownerOrNull();
            MemorySegment isOurs = arena.allocate(JAVA_INT);
            if (owner != null && !readOnly()) {
                check(
                        "rbd_is_exclusive_lock_owner",
                        Librbd.IS_LOCK_OWNER.call(image, isOurs.address()));
            }
            return new ImageUse(owner, isOurs.get(JAVA_INT, 0) != 0, watchers(arena));
        }
    }

    /** As {@link #ownerOrNull}, where the image is only read: as it was when that was opened. */
    private @Nullable String lockerOrNull(Arena arena) {
        MemorySegment exclusive = arena.allocate(JAVA_INT);
        long[] texts = new long[LOCKER_TEXTS];
        long[] lengths = new long[LOCKER_TEXTS];
        for (int i = 0; i < LOCKER_TEXTS; i++) {
            texts[i] = arena.allocate(LOCKER_ROOM).address();
            lengths[i] = arena.allocateFrom(JAVA_LONG, LOCKER_ROOM).address();
        }
        long found =
                Librbd.LIST_LOCKERS.call(
                        image,
                        exclusive.address(),
                        texts[0],
                        lengths[0],
                        texts[1],
                        lengths[1],
                        texts[2],
                        lengths[2],
                        texts[3],
                        lengths[3]);
        check("rbd_list_lockers", found);
        return found == 0 ? null : NativeFunction.text(texts[LOCKER_TEXTS - 1]);
    }

    private List<String> watchers(Arena arena) {
        MemorySegment count = arena.allocateFrom(JAVA_LONG, MOST_WATCHERS);
        MemorySegment found = arena.allocate(MOST_WATCHERS * WATCHER_BYTES, Long.BYTES);
        check(
                "rbd_watchers_list",
                Librbd.WATCHERS_LIST.call(image, found.address(), count.address()));
        long number = count.get(JAVA_LONG, 0);
        List<String> watchers = new ArrayList<>();
        for (long i = 0; i < number; i++) {
            watchers.add(NativeFunction.text(found.get(JAVA_LONG, i * WATCHER_BYTES)));
        }
        long _ = Librbd.WATCHERS_LIST_CLEANUP.call(found.address(), number);
        return watchers;
    }

    /** {@return what librbd's functions take} */
    long handle() {
        return image;
    }

    RbdImageName name() {
        return name;
    }

    /** {@return whether the image, or its snapshot, is only read} */
    boolean readOnly() {
        return options.readOnly() || name.snapshot() != null;
    }

    /** {@return bytes of an object, the unit in which the image is spread over the cluster} */
    long objectBytes() {
        return objectBytes;
    }

    /** {@return whether the image knows of each object whether it is there} */
    boolean knowsObjects() {
        return (features & Librbd.FAST_DIFF) != 0;
    }

    /** {@return bytes of the image} */
    long size() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment answer = arena.allocate(JAVA_LONG);
            check("rbd_get_size", Librbd.GET_SIZE.call(image, answer.address()));
            return answer.get(JAVA_LONG, 0);
        }
    }

    /** Gives the image another size. */
    void resize(long bytes) {
        check("rbd_resize", Librbd.RESIZE.call(image, bytes));
    }

    private void check(String call, long answer) {
        if (answer < 0) {
            throw CephException.of(call, name.toString(), answer);
        }
    }

    /** Closes the image and the connection, which may take for ever. */
    void closeSlowly() {
        if (image != 0) {
            long _ = Librbd.CLOSE.call(image);
            image = 0;
        }
        if (!isLeft) {
            long _ = Librados.IOCTX_DESTROY.call(pool);
            cluster.close();
        }
    }
}
