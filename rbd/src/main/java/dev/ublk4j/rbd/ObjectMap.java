package dev.ublk4j.rbd;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.ublk4j.server.Extents;
import java.lang.foreign.FunctionDescriptor;
import java.lang.invoke.MethodHandles;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/** Which objects of an image are there, as the image's own map knows without asking the OSDs. */
final class ObjectMap {
    /** {@code int (*cb)(uint64_t offset, size_t length, int exists, void *)}. */
    private static final long CALLBACK =
            NativeFunction.upcall(
                    MethodHandles.lookup(),
                    "found",
                    FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_INT, JAVA_LONG));

    private static final AtomicLong NEXT = new AtomicLong();
    private static final Map<Long, ObjectMap> ALL = new ConcurrentHashMap<>();

    /** librbd ends the iteration with this. */
    private static final int ENOUGH = -1;

    private final Extents extents;

    /** How far has been described, and where the range ends. */
    private long at;

    private boolean full;

    /** Why something that was found has not been taken down. */
    private @Nullable Throwable failure;

    private ObjectMap(long from, Extents extents) {
        this.at = from;
        this.extents = extents;
    }

    /** Describes a range; may take for ever. */
    static void describe(RbdImage image, long offset, long length, Extents extents) {
        ObjectMap map = new ObjectMap(offset, extents);
        long number = NEXT.incrementAndGet();
        ALL.put(number, map);
        try {
            long answer =
                    Librbd.DIFF_ITERATE.call(
                            image.handle(), 0, offset, length, 1, 1, CALLBACK, number);
            Throwable failed = map.failure;
            if (failed != null) {
                // What was not taken down must not be taken for a hole.
                throw new IllegalStateException(
                        "not all objects of %s are known".formatted(image.name()), failed);
            }
            if (answer < 0 && !(answer == ENOUGH && map.full)) {
                throw CephException.of("rbd_diff_iterate2", image.name().toString(), answer);
            }
        } finally {
            ALL.remove(number);
        }
        map.skipTo(offset + length);
    }

    /** Called by librbd for each object that is there, in their order. */
    static int found(long offset, long length, int exists, long argument) {
        ObjectMap map = null;
        try {
            map = ALL.get(argument);
            return map == null || !map.add(offset, length, exists != 0) ? ENOUGH : 0;
        } catch (Throwable e) {
            // Nothing may leave this call: that would end the process.
            if (map != null) {
                map.failure = e;
            }
            return ENOUGH;
        }
    }

    private boolean add(long offset, long length, boolean exists) {
        skipTo(offset);
        full = full || !extents.add(length, exists);
        at = offset + length;
        return !full;
    }

    /** What librbd does not speak of holds nothing. */
    private void skipTo(long offset) {
        if (!full && offset > at) {
            full = !extents.add(offset - at, false);
            at = offset;
        }
    }
}
