package dev.ublk4j.driver.spi;

import dev.ublk4j.uring.CompletionHandler;
import dev.ublk4j.uring.FileSlots;
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

    /** Files that a ring has room for. */
    int FILES = 64;

    /** {@return the thread's io_uring, for a target's backend I/O} */
    Ring ring();

    /** {@return the files that are registered with {@link #ring}: a target's, and the driver's} */
    FileSlots files();

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
     * @param slotFlags {@code UBLK_AUTO_BUF_REG_...}
     * @throws UnsupportedOperationException when the driver has no such devices
     */
    void commandWithSlot(
            int commandOp,
            int queueId,
            int tag,
            int result,
            int slot,
            int slotFlags,
            long userData);

    /**
     * Queues one command for many tags of a device with {@code UBLK_F_BATCH_IO}. It completes in
     * the {@link #run} that sends it: {@code UBLK_U_IO_PREP_IO_CMDS} with 0 or a negative errno,
     * {@code UBLK_U_IO_COMMIT_IO_CMDS} with the bytes of the elements that the driver has taken, or
     * a negative errno where it has refused the first.
     *
     * @param commandOp one of the two
     * @param queueId {@code ublk_batch_io.q_id}
     * @param flags {@code ublk_batch_io.flags}, {@code UBLK_BATCH_F_...}; the bytes of an element
     *     follow from them
     * @param count {@code ublk_batch_io.nr_elem}
     * @param elements address of so many elements, which stay until the completion
     * @param userData comes back with the completion; not {@link #WAKE}
     */
    void batch(int commandOp, int queueId, int flags, int count, long elements, long userData);

    /**
     * Queues {@code UBLK_U_IO_FETCH_IO_CMDS} of a device with {@code UBLK_F_BATCH_IO}. It completes
     * again and again, each time with the bytes of tags that it has put into one of the buffers,
     * whose number is in the flags as io_uring has it ({@code IORING_CQE_F_BUFFER}). A completion
     * without {@code IORING_CQE_F_MORE} is its last: {@code UBLK_IO_RES_ABORT} when the device
     * stops, {@code -ENOBUFS} when there was no buffer, or why it was refused.
     *
     * @param buffers of this ring
     */
    void fetchBatch(int queueId, TagBuffers buffers, long userData);

    /**
     * Opens buffers for {@link #fetchBatch}, all of them lent to the driver.
     *
     * @param count how many, a power of two
     * @param tags how many tags fit into each
     */
    TagBuffers openTagBuffers(int count, int tags);

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
