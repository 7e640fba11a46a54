package dev.ublk4j.embedded.range;

import dev.ublk4j.linux.Pages;

/**
 * Where in a registered buffer a run of consecutive frames lies, packed in one {@code long}.
 *
 * <p>A look-up answers with the placement of the frame asked for: its offset is that frame's, and
 * its length counts from that frame to the last one of its range. The word is a value: nothing that
 * happens to the table later changes it.
 *
 * <pre>
 *   bits  0-19   offset of the first frame in the buffer, in frames
 *   bits 20-39   frames in the run, less one
 *   bits 40-55   buffer index
 *   bits 56-62   flags
 *   bit  63      clear, so that {@link #NONE} is no placement
 * </pre>
 */
public final class Placement {
    /** The answer for a frame that no buffer has. */
    public static final long NONE = -1;

    /**
     * {@code UBLK_SHMEM_BUF_READ_ONLY}: the buffer may be read by the driver's side, not written.
     */
    public static final int READ_ONLY = 1;

    /** The highest page frame there can be. */
    public static final long MAX_FRAME = (1L << 52) - 1;

    /** Frames in the largest buffer, which has 4 GiB. */
    public static final int MAX_BUFFER_FRAMES = 1 << 20;

    private static final int FRAMES_SHIFT = 20;
    private static final int BUFFER_SHIFT = 40;
    private static final int FLAGS_SHIFT = 56;
    private static final long FRAME_MASK = MAX_BUFFER_FRAMES - 1;
    private static final int MAX_FLAGS = 0x7f;

    private Placement() {}

    /** {@return the index of the buffer, 0 to 65535} */
    public static int buffer(long placement) {
        return (int) (placement >>> BUFFER_SHIFT) & 0xffff;
    }

    /** {@return the flags the buffer was registered with} */
    public static int flags(long placement) {
        return (int) (placement >>> FLAGS_SHIFT);
    }

    /** {@return whether the buffer was registered with {@link #READ_ONLY}} */
    public static boolean isReadOnly(long placement) {
        return (flags(placement) & READ_ONLY) != 0;
    }

    /** {@return the offset of the first frame in the buffer, in bytes below 4 GiB} */
    public static long offsetBytes(long placement) {
        return (placement & FRAME_MASK) << Pages.SHIFT;
    }

    /** {@return how many frames the run has, 1 to 2^20} */
    public static int frames(long placement) {
        return (int) (placement >>> FRAMES_SHIFT & FRAME_MASK) + 1;
    }

    /** {@return {@code frames} frames of a buffer yet without index and flags} */
    static long run(int offsetFrames, int frames) {
        assert offsetFrames >= 0 && frames > 0 : offsetFrames + ", " + frames;
        assert offsetFrames + frames <= MAX_BUFFER_FRAMES : offsetFrames + ", " + frames;
        return (long) (frames - 1) << FRAMES_SHIFT | offsetFrames;
    }

    /** {@return the bits that give a run its buffer} */
    static long owner(int buffer, int flags) {
        assert buffer >>> 16 == 0 : buffer;
        assert (flags & ~MAX_FLAGS) == 0 : flags;
        return (long) flags << FLAGS_SHIFT | (long) buffer << BUFFER_SHIFT;
    }

    /** {@return the run with {@code more} frames at its end} */
    static long longer(long placement, int more) {
        return placement + ((long) more << FRAMES_SHIFT);
    }

    /** {@return the run without its first {@code frames} frames, of which it has more} */
    static long skip(long placement, long frames) {
        // The two 20-bit counts move in opposite directions and neither leaves its field: the
        // offset's sum stays within the buffer, the length's difference stays positive.
        return placement + frames - (frames << FRAMES_SHIFT);
    }
}
