package dev.ublk4j.cli.serve;

import dev.ublk4j.server.Device;
import dev.ublk4j.server.ExactSize;
import org.jspecify.annotations.Nullable;

/**
 * A device that a front gives to clients.
 *
 * @param plan what it was made of
 * @param device the device, live
 * @param exact what the target says of a size that is no whole number of blocks, null otherwise
 */
record Exported(Plan plan, Device device, @Nullable ExactSize exact) {
    /** {@return bytes that clients are told of} */
    long size() {
        return exact == null ? device.geometry().size() : exact.exactSize();
    }
}
