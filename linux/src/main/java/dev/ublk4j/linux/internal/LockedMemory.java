package dev.ublk4j.linux.internal;

/**
 * How much memory this process may lock or have pinned ({@code RLIMIT_MEMLOCK}).
 *
 * <p>io_uring counts what is registered with it against the limit, for all processes of a user
 * together, unless the process has {@code CAP_IPC_LOCK}; its rings themselves too, before Linux
 * 5.12 and again in recent ones (seen on 6.18).
 */
public final class LockedMemory {
    private LockedMemory() {}

    /** {@return the limit that binds now, bytes; or -1 for none} */
    public static long limit() {
        return ResourceLimit.RLIMIT_MEMLOCK.soft();
    }

    /** {@return the limit as it is, and how to raise it, for a message about a refusal} */
    public static String remedy() {
        long limit = limit();
        String now = limit == ResourceLimit.UNLIMITED ? "unlimited" : (limit >>> 10) + " KiB";
        return "RLIMIT_MEMLOCK is %s; to raise it: ulimit -l, or LimitMEMLOCK= of a unit"
                .formatted(now);
    }
}
