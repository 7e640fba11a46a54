package dev.ublk4j.cli.serve;

import dev.ublk4j.server.Device;
import dev.ublk4j.sharing.SharingServer;
import org.jspecify.annotations.Nullable;

/**
 * A device that this process serves, and what goes with it.
 *
 * @param device the device
 * @param sharing takes memory from applications, null where none is shared
 * @param isTakenOver whether it was there before this process
 */
public record LiveDevice(Device device, @Nullable SharingServer sharing, boolean isTakenOver) {}
