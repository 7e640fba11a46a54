package dev.ublk4j.driver;

import java.util.LinkedHashMap;
import java.util.Map;

/**
 * How the data of a device's requests got to its servers and back, since the device was added, as
 * its driver knows it. Only requests with data of devices with {@code UBLK_F_SHMEM_ZC} are hits or
 * misses.
 *
 * @param hits requests whose data was in a registered buffer, and not copied
 * @param framesUnknown misses: the client does not know the page frames of its memory
 * @param notRegistered misses: a page belongs to no buffer
 * @param crossesRange misses: a segment leaves the range of frames it begins in
 * @param readOnly misses: a read into a buffer that is registered read-only
 * @param otherBuffer misses: segments in different buffers
 * @param notContiguous misses: segments that do not follow each other in the buffer
 * @param bytesShared bytes of the hits
 * @param bytesCopied bytes that were copied, by the driver or with {@code pread} and {@code pwrite}
 */
public record DataCounters(
        long hits,
        long framesUnknown,
        long notRegistered,
        long crossesRange,
        long readOnly,
        long otherBuffer,
        long notContiguous,
        long bytesShared,
        long bytesCopied) {
    /** {@return the misses of all kinds} */
    public long misses() {
        return framesUnknown
                + notRegistered
                + crossesRange
                + readOnly
                + otherBuffer
                + notContiguous;
    }

    /** {@return the misses of each kind, in words for a person} */
    public Map<String, Long> missesByReason() {
        Map<String, Long> misses = new LinkedHashMap<>();
        misses.put("not registered", notRegistered);
        misses.put("frames unknown", framesUnknown);
        misses.put("crosses a range", crossesRange);
        misses.put("not contiguous", notContiguous);
        misses.put("in two buffers", otherBuffer);
        misses.put("read-only", readOnly);
        return misses;
    }
}
