package dev.ublk4j.driver.spi;

import dev.ublk4j.linux.EventFd;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.uring.Ring;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Wakes a thread that sleeps in its io_uring: a read of an event counter is always outstanding on
 * the ring.
 *
 * <p>The counter remembers a signal that comes while the read is being renewed, so no wake-up is
 * lost.
 */
public final class Wakeup implements AutoCloseable {
    private final EventFd event = EventFd.blocking();
    private final Arena arena = Arena.ofConfined();
    private final MemorySegment counter = arena.allocate(ValueLayout.JAVA_LONG);

    /**
     * Creates a wake-up that is not armed; on the ring's thread.
     *
     * @throws LinuxException when the kernel refuses the counter
     */
    public Wakeup() {}

    /**
     * Prepares the read that {@link #signal} completes with {@link QueueRing#WAKE}; on the ring's
     * thread.
     */
    public void arm(Ring ring) {
        ring.read(event.fd().number(), counter.address(), Long.BYTES, 0, QueueRing.WAKE);
    }

    /** Completes the read; from any thread. */
    public void signal() {
        event.signal();
    }

    /** Lets go of the counter, once the ring is closed; on the ring's thread. */
    @Override
    public void close() {
        event.close();
        arena.close();
    }
}
