package dev.ublk4j.server;

import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.LinuxException;
import java.lang.System.Logger.Level;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/** What becomes of that which the targets of a queue throw. From any thread. */
final class Failures {
    private static final System.Logger LOG = System.getLogger(Failures.class.getName());

    /** A class loader that makes classes at will does not fill the memory, nor the log. */
    private static final int MOST_KINDS = 32;

    private final Set<Class<?>> thrownBefore = ConcurrentHashMap.newKeySet();

    /** {@return the errno, negated, of a request whose target threw}; logged once per class */
    int resultOf(Throwable thrown, Request request) {
        if (thrown instanceof LinuxException refused && refused.number() > 0) {
            LOG.log(Level.DEBUG, () -> request + " failed: " + refused.getMessage());
            return -refused.number();
        }
        boolean isNew = thrownBefore.size() < MOST_KINDS && thrownBefore.add(thrown.getClass());
        LOG.log(
                isNew ? Level.ERROR : Level.DEBUG,
                () -> "the target failed on %s; later failures are not logged".formatted(request),
                thrown);
        return (thrown instanceof OutOfMemoryError ? Errno.ENOMEM : Errno.EIO).negated();
    }
}
