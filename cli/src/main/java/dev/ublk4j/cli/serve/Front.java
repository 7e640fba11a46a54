package dev.ublk4j.cli.serve;

import dev.ublk4j.server.Device;
import dev.ublk4j.server.DeviceOptions;
import dev.ublk4j.server.Target;
import java.util.List;

/**
 * What speaks a protocol to clients, on behalf of devices of the embedded driver.
 *
 * <p>It is given its devices one after the other, then lets clients in. Devices are closed by
 * others, after it.
 */
public interface Front extends AutoCloseable {
    /**
     * Starts the next device.
     *
     * @param target belongs to the device from now on
     * @param options how to serve it
     */
    Device add(Target target, DeviceOptions options);

    /** Lets clients in. */
    void open();

    /**
     * {@return where clients find a device once the front is open, in the words that they are
     * given; at least one}
     *
     * @param index the device, in the order in which they were added
     */
    List<String> addresses(int index);

    /** Ends every connection; no request of a client is under way when this returns. */
    @Override
    void close();
}
