package dev.ublk4j.server.spi;

/**
 * The guests of a device's queues, an ability of the target that the device is started with ({@link
 * dev.ublk4j.server.Target#ability}).
 */
public interface QueueGuests {
    /**
     * {@return the guest of a queue} Asked once for each, before the device starts.
     *
     * @param queue the queue's number
     */
    QueueGuest guest(int queue);

    /**
     * {@return whether memory that is shared with the device may be registered with the queues'
     * rings} That brings in every page and keeps it, so memory whose pages come and go meanwhile,
     * as a virtual machine's do that has a balloon, must not be.
     */
    boolean pinsMemory();
}
