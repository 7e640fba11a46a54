package dev.ublk4j.embedded.range;

import dev.ublk4j.linux.Pages;

/**
 * Decides whether a request's data lies in one registered buffer, in order.
 *
 * <p>The rules are the kernel driver's ({@code ublk_try_buf_match}), in its order of checks. The
 * address of a hit is what a server finds in {@code ublksrv_io_desc.addr} when {@code
 * UBLK_IO_F_SHMEM_ZC} is set.
 */
public final class RequestMatcher {
    // Each answer that means a miss, as a constant: the hot path reads no enum.
    private static final long NO_DATA = Miss.NO_DATA.answer();
    private static final long NOT_REGISTERED = Miss.NOT_REGISTERED.answer();
    private static final long CROSSES_RANGE = Miss.CROSSES_RANGE.answer();
    private static final long READ_ONLY = Miss.READ_ONLY.answer();
    private static final long OTHER_BUFFER = Miss.OTHER_BUFFER.answer();
    private static final long NOT_CONTIGUOUS = Miss.NOT_CONTIGUOUS.answer();

    private static final int BUFFER_SHIFT = 32;

    private RequestMatcher() {}

    /**
     * Matches the first {@code segments} segments of the arrays, all against the table as it is at
     * one moment. Allocates nothing and takes no lock; any thread.
     *
     * @param table the device's buffers
     * @param write whether the operation is WRITE; no other one has its data in a read-only buffer
     * @param frames the page frame in which each segment begins
     * @param offsets where in that frame each segment begins, in bytes
     * @param lengths the bytes of each segment, at least 1; it may go on over the frames that
     *     follow
     * @param segments how many segments the request has
     * @return bits 0-31 the byte offset in the buffer, bits 32-47 the buffer's index; or if
     *     negative a {@link Miss}
     */
    public static long match(
            RangeTable table,
            boolean write,
            long[] frames,
            int[] offsets,
            int[] lengths,
            int segments) {
        DenseRegions dense = table.dense();
        long stamp = dense.stamp();
        FrameMap map = dense.mapAt(stamp);
        long answer = match(map, table.tree(), write, frames, offsets, lengths, segments);
        return dense.isStill(stamp)
                ? answer
                : match(FrameMap.EMPTY, table.tree(), write, frames, offsets, lengths, segments);
    }

    private static long match(
            FrameMap map,
            RangeTree tree,
            boolean write,
            long[] frames,
            int[] offsets,
            int[] lengths,
            int segments) {
        long address = NO_DATA;
        long next = 0;
        for (int i = 0; i < segments; i++) {
            assert offsets[i] >= 0 && lengths[i] > 0 : offsets[i] + ", " + lengths[i];
            long placement = map.find(frames[i]);
            if (placement == FrameMap.ELSEWHERE) {
                placement = tree.find(frames[i]);
            }
            if (placement == Placement.NONE) {
                return NOT_REGISTERED;
            }
            long end = (long) offsets[i] + lengths[i];
            if (end > (long) Placement.frames(placement) << Pages.SHIFT) {
                return CROSSES_RANGE;
            }
            long start =
                    (long) Placement.buffer(placement) << BUFFER_SHIFT
                            | Placement.offsetBytes(placement) + offsets[i];
            if (i == 0) {
                if (Placement.isReadOnly(placement) && !write) {
                    return READ_ONLY;
                }
                address = start;
            } else if (start >>> BUFFER_SHIFT != address >>> BUFFER_SHIFT) {
                return OTHER_BUFFER;
            } else if (start != next) {
                return NOT_CONTIGUOUS;
            }
            // At the end of a buffer of 4 GiB this carries into the index, and then equals the
            // start
            // of the next buffer; but that one has another index, and was turned down above.
            next = start + lengths[i];
        }
        return address;
    }

    /** {@return the buffer index of a hit} */
    public static int buffer(long hit) {
        return (int) (hit >>> BUFFER_SHIFT);
    }

    /** {@return the byte offset of a hit in its buffer} */
    public static long offsetBytes(long hit) {
        return hit & 0xffff_ffffL;
    }
}
