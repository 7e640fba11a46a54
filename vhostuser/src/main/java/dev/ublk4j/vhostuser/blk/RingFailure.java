package dev.ublk4j.vhostuser.blk;

import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.linux.QuietLog;
import dev.ublk4j.vhostuser.ring.BadRingException;
import java.lang.System.Logger.Level;

/** Why a ring is not served any more, in words. */
final class RingFailure {
    private static final QuietLog FAILURES =
            new QuietLog(System.getLogger(RingFailure.class.getName()));

    private RingFailure() {}

    /** {@return what is wrong, in a few words} What nobody has thought of is logged as well. */
    static String reason(Throwable e) {
        return switch (e) {
            case BadRingException bad -> String.valueOf(bad.getMessage());
            case LinuxException refused -> String.valueOf(refused.getMessage());
            // What the JVM throws where mapped memory is gone: its client has cut it short.
            case InternalError gone -> "its memory is gone: " + gone.getMessage();
            case OutOfMemoryError full -> "there is no memory for it: " + full.getMessage();
            default -> {
                FAILURES.log(Level.ERROR, () -> "a ring cannot be served", e);
                yield "failed with " + e;
            }
        };
    }
}
