package dev.ublk4j.sharing.adopt;

import java.util.Set;

/**
 * Which mappings of a process to adopt, of those that can be.
 *
 * @param small whether those below {@link #WORTHWHILE} bytes, too
 * @param starts only those that begin at these addresses; empty for any
 */
public record Choice(boolean small, Set<Long> starts) {
    /** Bytes of a mapping that is worth a registration, for which the device stands still. */
    public static final long WORTHWHILE = 1L << 20;

    /** Copies the set. */
    public Choice {
        starts = Set.copyOf(starts);
    }

    /** {@return those that are worth it} */
    public static Choice worthwhile() {
        return new Choice(false, Set.of());
    }

    /** {@return all that can be adopted} */
    public static Choice all() {
        return new Choice(true, Set.of());
    }

    /** {@return those that begin at some addresses} */
    public static Choice at(Set<Long> starts) {
        return new Choice(true, starts);
    }

    /** {@return whether a mapping is meant} */
    public boolean names(long start) {
        return starts.isEmpty() || starts.contains(start);
    }
}
