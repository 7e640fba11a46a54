package dev.ublk4j.sharedmemory.frames;

import dev.ublk4j.sharedmemory.FileIdentity;
import java.util.HashMap;
import java.util.Map;

/** Gives every stretch of a file a number of its own, for good. Any thread. */
final class StretchNumbers {
    private final int limit;
    private final Map<Stretch, Integer> numbers = new HashMap<>();

    /**
     * One part of a file.
     *
     * @param file which file
     * @param index which of its parts
     */
    record Stretch(FileIdentity file, long index) {}

    /**
     * Makes numbers.
     *
     * @param limit how many; whoever is asked to share memory does not choose how many files there
     *     are
     */
    StretchNumbers(int limit) {
        this.limit = limit;
    }

    /** {@return the number of a stretch, below the limit, or -1 when all are taken} */
    synchronized int of(Stretch stretch) {
        Integer known = numbers.get(stretch);
        if (known != null) {
            return known;
        }
        int number = numbers.size();
        if (number >= limit) {
            return -1;
        }
        numbers.put(stretch, number);
        return number;
    }
}
