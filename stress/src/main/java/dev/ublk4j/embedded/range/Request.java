package dev.ublk4j.embedded.range;

/** A request of three pages that are far from each other, and the buffer it lies in. */
final class Request {
    private static final int PAGE = 4096;
    private static final long[] FRAMES = {1000, 3000, 2000};
    private static final int[] OFFSETS = new int[3];
    private static final int[] LENGTHS = {PAGE, PAGE, PAGE};

    private Request() {}

    static long[] frames() {
        return FRAMES.clone();
    }

    static long[] reversed() {
        return new long[] {2000, 3000, 1000};
    }

    /** {@return frames around and between those of the request, so many that there are branches} */
    static long[] others() {
        long[] others = new long[40];
        for (int i = 0; i < others.length; i++) {
            others[i] = 100 * i + 50;
        }
        return others;
    }

    static long match(RangeTable table) {
        return RequestMatcher.match(table, true, FRAMES, OFFSETS, LENGTHS, FRAMES.length);
    }
}
