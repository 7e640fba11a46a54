package dev.ublk4j.server;

import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.LinuxException;
import java.lang.System.Logger.Level;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;

/** What becomes of that which the targets of a queue throw. From any thread. */
final class Failures {
    private static final System.Logger LOG = System.getLogger(Failures.class.getName());

    /** A class loader that makes classes at will does not fill the memory, nor the log. */
    private static final int MOST_KINDS = 32;

    static final String NOT_SENT = "a part was asked for and not sent; use Request.submitTo";

    private final Set<Class<?>> thrownBefore = ConcurrentHashMap.newKeySet();

    private final AtomicBoolean notSentBefore = new AtomicBoolean();

    /** {@return the errno, negated, of a request whose target threw}; logged once per class */
    int resultOf(Throwable thrown, Request request) {
        int errno =
                thrown instanceof LinuxException refused && refused.number() > 0
                        ? refused.number()
                        : (thrown instanceof OutOfMemoryError ? Errno.ENOMEM : Errno.EIO).number();
        try {
            log(thrown, request);
        } catch (Throwable _) {
            // The request ends whatever was thrown: its text may throw again, or no stack is left.
        }
        return -errno;
    }

    private void log(Throwable thrown, Request request) {
        if (thrown instanceof LinuxException refused && refused.number() > 0) {
            LOG.log(Level.DEBUG, () -> request + " failed: " + refused.getMessage());
            return;
        }
        boolean isNew = thrownBefore.size() < MOST_KINDS && thrownBefore.add(thrown.getClass());
        LOG.log(
                isNew ? Level.ERROR : Level.DEBUG,
                () -> "the target failed on %s; later failures are not logged".formatted(request),
                thrown);
    }

    /** {@return the errno, negated, of a request of which a part was not sent}; logged once */
    int resultOfNotSent(Request request) {
        LOG.log(
                notSentBefore.getAndSet(true) ? Level.DEBUG : Level.ERROR,
                () -> "the target failed on %s: %s".formatted(request, NOT_SENT));
        return Errno.EIO.negated();
    }
}
