package dev.ublk4j.rbd;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;

/**
 * The functions of {@code rbd/librbd.h} that are called; see there for what they do. Those of a
 * request have a method each, which allocates nothing.
 */
final class Librbd {
    private static final SymbolLookup LIBRARY = CephLibrary.rbd();

    /** {@code RBD_WRITE_ZEROES_FLAG_THICK_PROVISION}: what is zeroed keeps its space. */
    static final int THICK_PROVISION = 1;

    /** {@code RBD_FEATURE_EXCLUSIVE_LOCK}. */
    static final long EXCLUSIVE_LOCK = 1L << 2;

    /** {@code RBD_FEATURE_FAST_DIFF}. */
    static final long FAST_DIFF = 1L << 4;

    /** {@code RBD_LOCK_MODE_EXCLUSIVE}. */
    static final long LOCK_MODE_EXCLUSIVE = 0;

    static final NativeFunction OPEN = of("rbd_open", 4);
    static final NativeFunction OPEN_READ_ONLY = of("rbd_open_read_only", 4);
    static final NativeFunction CLOSE = of("rbd_close", 1);
    static final NativeFunction STAT = of("rbd_stat", 3);
    static final NativeFunction GET_SIZE = of("rbd_get_size", 2);
    static final NativeFunction GET_FEATURES = of("rbd_get_features", 2);
    static final NativeFunction RESIZE = of("rbd_resize", 2);
    static final NativeFunction UPDATE_WATCH = of("rbd_update_watch", 4);
    static final NativeFunction UPDATE_UNWATCH = of("rbd_update_unwatch", 2);
    static final NativeFunction LOCK_ACQUIRE = of("rbd_lock_acquire", 2);
    static final NativeFunction LOCK_GET_OWNERS = of("rbd_lock_get_owners", 4);
    static final NativeFunction LOCK_GET_OWNERS_CLEANUP = of("rbd_lock_get_owners_cleanup", 2);
    static final NativeFunction IS_LOCK_OWNER = of("rbd_is_exclusive_lock_owner", 2);
    static final NativeFunction LIST_LOCKERS =
            NativeFunction.ofLong(LIBRARY, "rbd_list_lockers", 10);
    static final NativeFunction WATCHERS_LIST = of("rbd_watchers_list", 3);
    static final NativeFunction WATCHERS_LIST_CLEANUP = of("rbd_watchers_list_cleanup", 2);
    static final NativeFunction LOCK_BREAK = of("rbd_lock_break", 3);
    static final NativeFunction DIFF_ITERATE = of("rbd_diff_iterate2", 8);

    private static final MethodHandle CREATE_COMPLETION = request("rbd_aio_create_completion", 3);
    private static final MethodHandle READ = request("rbd_aio_read", 5);
    private static final MethodHandle WRITE = request("rbd_aio_write", 5);
    private static final MethodHandle DISCARD = request("rbd_aio_discard", 4);
    private static final MethodHandle FLUSH = request("rbd_aio_flush", 2);

    private static final MethodHandle WRITE_ZEROES =
            NativeFunction.handle(
                    LIBRARY,
                    "rbd_aio_write_zeroes",
                    FunctionDescriptor.of(
                            JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_INT,
                            JAVA_INT));

    private static final MethodHandle RETURN_VALUE =
            NativeFunction.handle(
                    LIBRARY,
                    "rbd_aio_get_return_value",
                    FunctionDescriptor.of(JAVA_LONG, JAVA_LONG));

    private static final MethodHandle RELEASE =
            NativeFunction.handle(LIBRARY, "rbd_aio_release", FunctionDescriptor.ofVoid(JAVA_LONG));

    private Librbd() {}

    private static NativeFunction of(String name, int arguments) {
        return NativeFunction.of(LIBRARY, name, arguments);
    }

    private static MethodHandle request(String name, int arguments) {
        FunctionDescriptor type = FunctionDescriptor.of(JAVA_INT);
        for (int i = 0; i < arguments; i++) {
            type = type.appendArgumentLayouts(JAVA_LONG);
        }
        return NativeFunction.handle(LIBRARY, name, type);
    }

    /**
     * Makes what the end of a request is told by.
     *
     * @param argument is given to the call-back
     * @param callback a C function
     * @param answer address of the 8 bytes where the completion's address goes
     */
    static int createCompletion(long argument, long callback, long answer) {
        try {
            return (int) CREATE_COMPLETION.invokeExact(argument, callback, answer);
        } catch (Throwable e) {
            throw failed(e);
        }
    }

    static int read(long image, long offset, long length, long memory, long completion) {
        try {
            return (int) READ.invokeExact(image, offset, length, memory, completion);
        } catch (Throwable e) {
            throw failed(e);
        }
    }

    static int write(long image, long offset, long length, long memory, long completion) {
        try {
            return (int) WRITE.invokeExact(image, offset, length, memory, completion);
        } catch (Throwable e) {
            throw failed(e);
        }
    }

    static int discard(long image, long offset, long length, long completion) {
        try {
            return (int) DISCARD.invokeExact(image, offset, length, completion);
        } catch (Throwable e) {
            throw failed(e);
        }
    }

    static int writeZeroes(long image, long offset, long length, long completion, int flags) {
        try {
            return (int) WRITE_ZEROES.invokeExact(image, offset, length, completion, flags, 0);
        } catch (Throwable e) {
            throw failed(e);
        }
    }

    static int flush(long image, long completion) {
        try {
            return (int) FLUSH.invokeExact(image, completion);
        } catch (Throwable e) {
            throw failed(e);
        }
    }

    static long returnValue(long completion) {
        try {
            return (long) RETURN_VALUE.invokeExact(completion);
        } catch (Throwable e) {
            throw failed(e);
        }
    }

    static void release(long completion) {
        try {
            RELEASE.invokeExact(completion);
        } catch (Throwable e) {
            throw failed(e);
        }
    }

    /** {@return what a call that was not made throws} */
    private static AssertionError failed(Throwable e) {
        return switch (e) {
            case Error error -> throw error; // the heap or the stack has ended
            case RuntimeException exception -> throw exception;
            default -> new AssertionError("a downcall throws nothing that is checked", e);
        };
    }
}
