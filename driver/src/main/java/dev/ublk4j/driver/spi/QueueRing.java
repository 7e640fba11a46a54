package dev.ublk4j.driver.spi;

import dev.ublk4j.uring.CompletionHandler;
import dev.ublk4j.uring.Ring;

/**
 * The ring of one queue thread: io commands and backend I/O go in together, and the thread waits in
 * one place for the completions of both.
 *
 * <p>It belongs to the thread that opened it, apart from {@link #wake}. Nothing here allocates or
 * takes a lock.
 */
public interface QueueRing extends AutoCloseable {
    /** {@code userData} that a caller may not use: the ring's own wake-up. */
    long WAKE = -1L;

    /** {@return the thread's io_uring, for a target's backend I/O} */
    Ring ring();

    /**
     * Makes room for some entries of backend I/O, submitting what is prepared where they would not
     * fit; as {@link Ring#reserve}, and known to what stands before the ring.
     *
     * @param count at most the size of the ring
     */
    default void reserve(int count) {
        ring().reserve(count);
    }

    /**
     * Queues one io command. It goes to the driver with the next {@link #run}, and its completion
     * comes back from a later one: result {@code UBLK_IO_RES_OK} when a request has been described
     * in the tag's descriptor, {@code UBLK_IO_RES_ABORT} when the device stops, another negative
     * errno when the command was refused.
     *
     * @param commandOp the encoded number, {@code UBLK_U_IO_...}
     * @param queueId {@code ublksrv_io_cmd.q_id}
     * @param tag {@code ublksrv_io_cmd.tag}
     * @param result {@code ublksrv_io_cmd.result}: bytes done, 0, or a negative errno
     * @param address {@code ublksrv_io_cmd.addr}: the tag's buffer, 0 where there is none
     * @param userData comes back with the completion; not {@link #WAKE}
     */
    void command(int commandOp, int queueId, int tag, int result, long address, long userData);

    /**
     * Queues one io command of a device that registers the data of requests by itself ({@code
     * UBLK_F_AUTO_BUF_REG}); as {@link #command}, without a buffer.
     *
     * @param slot of the {@linkplain #ring ring}'s registered buffers, where the data of the tag's
     *     next request is put
     * @throws UnsupportedOperationException when the driver has no such devices
     */
    void commandWithSlot(int commandOp, int queueId, int tag, int result, int slot, long userData);

    /**
     * Sends what is queued and hands over every completion that has arrived.
     *
     * @param wait whether to sleep until there is at least one completion or a {@link #wake}
     * @param handler called for each completion, of io commands and of backend I/O alike
     * @return how many were handed over; 0 after a mere wake-up
     */
    int run(boolean wait, CompletionHandler handler);

    /** Makes the current or the next {@code run(true, ...)} return; from any thread. */
    void wake();

    /** Closes the ring; the driver takes its outstanding io commands back. On the owning thread. */
    @Override
    void close();
}
