package dev.ublk4j.embedded.queue;

import java.util.concurrent.locks.ReentrantLock;

/** Who a ring was opened by, as far as the ring asks: the opening of the char device. */
public interface RingOwner {
    /**
     * Takes a tag's first command, on the ring's thread.
     *
     * @return 0 when it has been taken, or the answer to the command
     */
    int fetch(UblkQueue queue, IoSlot slot, ServerRing ring, long address, long userData);

    /** {@return the lock under which tags are fetched; held, {@link #fetch} is one of several} */
    ReentrantLock fetchLock();

    /** Takes back a {@link #fetch} of a command that is refused as a whole; holding the lock. */
    void unfetch(UblkQueue queue, IoSlot slot);

    /** Keeps requests from the server from now on, until it has gone. */
    void startCanceling();

    /** Lets go of a ring that is closed; the server has gone when it was the last. */
    void closed(ServerRing ring);
}
