package dev.ublk4j.server;

/**
 * The ability of a target {@linkplain Geometry#withZones whose device has zones}: says what each is
 * like. Such a target takes the operations of zones besides those of any other, and refuses a write
 * that is not at the write pointer with {@code EIO}. Its device is served in the mode {@link
 * Mode.Data#USER_COPY}.
 */
public interface Zoned {
    /**
     * {@return a zone as it is now} From the threads of all queues; does not wait.
     *
     * @param number counts from the beginning of the device
     */
    Zone zone(int number);
}
