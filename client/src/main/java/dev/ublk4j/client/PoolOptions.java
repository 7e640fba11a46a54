package dev.ublk4j.client;

import dev.ublk4j.linux.Pages;

/**
 * What a pool is to be made of.
 *
 * @param bufferBytes bytes of each buffer, a multiple of the page
 * @param buffers how many; all of them together have at most 4 GiB, which is what a driver takes as
 *     one buffer
 * @param hugePages whether to use huge pages where the machine has enough of them. A request in
 *     huge pages has few segments, so that it can be long, and its pages are found faster
 */
public record PoolOptions(int bufferBytes, int buffers, boolean hugePages) {
    private static final long MAX_BYTES = 4L << 30;

    /** Checks the ranges. */
    public PoolOptions {
        if (bufferBytes <= 0 || bufferBytes % Pages.SIZE != 0) {
            throw new IllegalArgumentException(
                    "the bytes of a buffer are not a multiple of %d: %d"
                            .formatted(Pages.SIZE, bufferBytes));
        }
        if (buffers <= 0 || (long) bufferBytes * buffers > MAX_BYTES) {
            throw new IllegalArgumentException(
                    "%d buffers of %d bytes are not between 1 byte and 4 GiB"
                            .formatted(buffers, bufferBytes));
        }
    }

    /** {@return a pool in huge pages where there are any} */
    public static PoolOptions of(int bufferBytes, int buffers) {
        return new PoolOptions(bufferBytes, buffers, true);
    }

    /** {@return the same in ordinary pages} */
    public PoolOptions withoutHugePages() {
        return new PoolOptions(bufferBytes, buffers, false);
    }

    long bytes() {
        return (long) bufferBytes * buffers;
    }
}
