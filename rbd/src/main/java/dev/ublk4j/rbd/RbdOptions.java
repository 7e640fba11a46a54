package dev.ublk4j.rbd;

import java.nio.file.Path;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * How an image is opened.
 *
 * @param configuration Ceph's configuration file, null for where Ceph looks for it: {@code
 *     CEPH_CONF}, {@code /etc/ceph/ceph.conf} and others
 * @param user the user without {@code client.}, whose key the configuration names
 * @param readOnly whether the image is only read
 * @param shared whether others may write the image as well: librbd then hands its lock to whoever
 *     writes. Otherwise the lock is taken once and kept
 * @param breakLock whether the lock of another client is broken, who is shut out of the cluster
 * @param patience how long connecting and opening may take, each, and a change of the size
 */
public record RbdOptions(
        @Nullable Path configuration,
        String user,
        boolean readOnly,
        boolean shared,
        boolean breakLock,
        Duration patience) {
    /** How long connecting and opening may take, unless it is said: a minute. */
    public static final Duration DEFAULT_PATIENCE = Duration.ofMinutes(1);

    /** The user, unless one is named. */
    public static final String DEFAULT_USER = "admin";

    /** Checks the ranges. */
    public RbdOptions {
        if (user.isEmpty() || user.startsWith("client.")) {
            throw new IllegalArgumentException(
                    "the user is named without 'client.', such as admin: '%s'".formatted(user));
        }
        if (patience.compareTo(Duration.ofSeconds(1)) < 0) {
            throw new IllegalArgumentException("patience is less than a second: " + patience);
        }
    }

    /** {@return the image is read and written, by the user admin of the usual configuration} */
    public static RbdOptions defaults() {
        return new RbdOptions(null, DEFAULT_USER, false, false, false, DEFAULT_PATIENCE);
    }

    /** {@return the same with another configuration, null for the usual one} */
    public RbdOptions withConfiguration(@Nullable Path file) {
        return new RbdOptions(file, user, readOnly, shared, breakLock, patience);
    }

    /** {@return the same as another user} */
    public RbdOptions withUser(String name) {
        return new RbdOptions(configuration, name, readOnly, shared, breakLock, patience);
    }

    /** {@return the same, only read or not} */
    public RbdOptions withReadOnly(boolean only) {
        return new RbdOptions(configuration, user, only, shared, breakLock, patience);
    }

    /** {@return the same, written by others as well or not} */
    public RbdOptions withShared(boolean others) {
        return new RbdOptions(configuration, user, readOnly, others, breakLock, patience);
    }

    /** {@return the same, breaking the lock of another client or not} */
    public RbdOptions withBreakLock(boolean breaks) {
        return new RbdOptions(configuration, user, readOnly, shared, breaks, patience);
    }

    /** {@return the same with another patience} */
    public RbdOptions withPatience(Duration time) {
        return new RbdOptions(configuration, user, readOnly, shared, breakLock, time);
    }
}
