package dev.ublk4j.client;

/** Takes the reads and writes of a {@link DeviceChannel} that have ended. */
@FunctionalInterface
public interface TransferHandler {
    /**
     * Called on the channel's thread, which may prepare further requests or release the buffer.
     *
     * @param buffer whose data was read or written; it is the application's again
     * @param result bytes, or a negative errno
     */
    void onTransfer(PooledBuffer buffer, int result);
}
