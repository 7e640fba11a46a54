package dev.ublk4j.embedded.features;

/**
 * What a driver assumes of the machine, for all of its devices.
 *
 * @param cpus CPUs; a device has at most as many queues
 * @param checkedCopies whether a bad buffer address of a server ends a copy instead of the process
 * @param numberedFrames whether registered memory gets its pages only when they are used
 * @param release what the driver has
 */
public record DriverSettings(
        int cpus, boolean checkedCopies, boolean numberedFrames, ReleaseFeatures release) {}
