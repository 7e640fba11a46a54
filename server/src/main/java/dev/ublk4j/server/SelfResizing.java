package dev.ublk4j.server;

import java.util.function.LongConsumer;

/**
 * The ability of a {@link Target} whose size others change, such as an image that a storage cluster
 * keeps. Its device follows: it takes the new size as {@link Device#resize} does.
 */
@FunctionalInterface
public interface SelfResizing {
    /**
     * Has somebody told whenever others have changed the size, until the target is closed. Who was
     * named before is told no more.
     *
     * @param listener is given the new size, a multiple of the logical block size; on a thread of
     *     the target's that may wait
     */
    void onResize(LongConsumer listener);
}
