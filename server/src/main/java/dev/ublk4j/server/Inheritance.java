package dev.ublk4j.server;

import java.lang.foreign.MemorySegment;
import java.util.Map;
import java.util.Set;

/**
 * The shared buffers that a former server registered: they belong to the device and outlive it.
 *
 * @param buffers by the index that the driver gave it, the same memory mapped by this process,
 *     whole; it must stay mapped as that of {@link Device#share}
 * @param lost the indexes of buffers whose memory this process does not have. They are unregistered
 *     as soon as the driver allows that. A request that names one before fails: nobody can reach
 *     its data.
 */
public record Inheritance(Map<Integer, MemorySegment> buffers, Set<Integer> lost) {
    /** Copies both. */
    public Inheritance {
        buffers = Map.copyOf(buffers);
        lost = Set.copyOf(lost);
        for (int index : lost) {
            if (buffers.containsKey(index)) {
                throw new IllegalArgumentException("buffer %d is both".formatted(index));
            }
        }
    }

    /** {@return no buffers at all} */
    public static Inheritance none() {
        return new Inheritance(Map.of(), Set.of());
    }
}
