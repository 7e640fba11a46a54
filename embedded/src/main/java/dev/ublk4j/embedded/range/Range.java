package dev.ublk4j.embedded.range;

/**
 * One entry of the range table, unpacked.
 *
 * @param firstFrame the first page frame
 * @param lastFrame the last page frame, inclusive
 * @param buffer index of the buffer the frames belong to, 0 to 65535
 * @param flags the buffer's flags, such as {@link Placement#READ_ONLY}
 * @param offsetBytes offset of the first frame in the buffer
 */
public record Range(long firstFrame, long lastFrame, int buffer, int flags, long offsetBytes) {
    static Range of(long firstFrame, long placement) {
        return new Range(
                firstFrame,
                firstFrame + Placement.frames(placement) - 1,
                Placement.buffer(placement),
                Placement.flags(placement),
                Placement.offsetBytes(placement));
    }
}
