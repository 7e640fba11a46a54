package com.example;

import dev.ublk4j.driver.Driver;
import dev.ublk4j.kernel.KernelDriver;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.server.Device;
import dev.ublk4j.server.DeviceOptions;

/** Serves a RAM disk as a block device of this machine until the device is deleted. */
public final class RamDiskServer {
    private RamDiskServer() {}

    /** Takes the size in MiB, 64 if there is none. Must be root. */
    public static void main(String... args) throws InterruptedException {
        long size = (args.length > 0 ? Long.parseLong(args[0]) : 64) << 20;
        try (Driver driver = KernelDriver.open();
                Device device = Device.start(driver, new RamDisk(size), DeviceOptions.defaults())) {
            System.out.println(KernelDriver.blockPath(device.id()));
            device.awaitStop();
        } catch (LinuxException e) {
            System.err.println(e.getMessage());
            System.exit(1);
        }
    }
}
