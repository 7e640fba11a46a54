package dev.ublk4j.vhostuser;

import dev.ublk4j.embedded.Disk;
import dev.ublk4j.server.Device;
import dev.ublk4j.vhostuser.blk.BlkDevice;
import dev.ublk4j.vhostuser.blk.BlkQueue;
import java.util.List;

/**
 * The disk that clients are given.
 *
 * @param served the device that serves it
 * @param disk the way to it
 * @param device what clients are told of it
 * @param queues the guests of the device's queues
 */
record ServedDisk(Device served, Disk disk, BlkDevice device, List<BlkQueue> queues) {
    BlkQueue queue(int index) {
        return queues.get(index);
    }
}
