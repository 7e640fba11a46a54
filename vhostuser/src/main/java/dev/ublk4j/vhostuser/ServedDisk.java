package dev.ublk4j.vhostuser;

import dev.ublk4j.embedded.Disk;
import dev.ublk4j.exports.ExportedDevice;
import dev.ublk4j.server.Device;
import dev.ublk4j.vhostuser.blk.BlkDevice;
import dev.ublk4j.vhostuser.blk.BlkQueue;

/**
 * The disk that clients are given.
 *
 * @param exported the device that serves it, and the way to it
 * @param device what clients are told of it
 */
record ServedDisk(ExportedDevice<BlkQueue> exported, BlkDevice device) {
    Device served() {
        return exported.device();
    }

    Disk disk() {
        return exported.disk();
    }

    BlkQueue queue(int index) {
        return exported.fronts().get(index);
    }
}
