package dev.ublk4j.sharedmemory.frames;

/**
 * Consecutive frames behind consecutive pages.
 *
 * @param firstFrame frame of the first page
 * @param pages how many pages
 * @param offset bytes from the first page of the whole memory to the first page of this range
 */
public record FrameRange(long firstFrame, long pages, long offset) {
    /** {@return the frame of the last page} */
    public long lastFrame() {
        return firstFrame + pages - 1;
    }
}
