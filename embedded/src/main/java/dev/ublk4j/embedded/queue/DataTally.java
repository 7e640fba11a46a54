package dev.ublk4j.embedded.queue;

import dev.ublk4j.driver.DataCounters;
import dev.ublk4j.embedded.range.Miss;

/**
 * How requests' data got to the server and back. One thread counts; any thread reads, and may read
 * a moment ago.
 */
public final class DataTally {
    private static final int FRAMES_UNKNOWN = Miss.values().length;

    private long hits;
    private long bytesShared;
    private long bytesCopied;
    private final long[] misses = new long[FRAMES_UNKNOWN + 1];

    void countHit(long bytes) {
        hits++;
        bytesShared += bytes;
    }

    /** Counts a negative answer of the matcher: -1 less a small number for its {@link Miss}. */
    void countMiss(long answer) {
        misses[(int) ~answer]++;
    }

    void countFramesUnknown() {
        misses[FRAMES_UNKNOWN]++;
    }

    void countCopy(long bytes) {
        bytesCopied += bytes;
    }

    /** Adds these to a sum. */
    public void addTo(DataTally sum) {
        sum.hits += hits;
        sum.bytesShared += bytesShared;
        sum.bytesCopied += bytesCopied;
        for (int index = 0; index < misses.length; index++) {
            sum.misses[index] += misses[index];
        }
    }

    private long misses(Miss reason) {
        int code = 0;
        while (Miss.of(~code) != reason) {
            code++;
        }
        return misses[code];
    }

    /** {@return the counts so far} */
    public DataCounters snapshot() {
        return new DataCounters(
                hits,
                misses[FRAMES_UNKNOWN],
                misses(Miss.NOT_REGISTERED),
                misses(Miss.CROSSES_RANGE),
                misses(Miss.READ_ONLY),
                misses(Miss.OTHER_BUFFER),
                misses(Miss.NOT_CONTIGUOUS),
                bytesShared,
                bytesCopied);
    }
}
