package dev.ublk4j.conformance.acceptance;

import dev.ublk4j.kernel.KernelDriver;
import dev.ublk4j.server.Device;
import dev.ublk4j.server.DeviceOptions;
import dev.ublk4j.targets.MemoryTarget;
import dev.ublk4j.uapi.Feature;
import java.io.IOException;
import java.nio.file.Path;

/** Serves a memory disk as a user without privileges. */
final class UnprivilegedServer {
    private UnprivilegedServer() {}

    /**
     * Serves until it is told to stop.
     *
     * @param arguments a file that is to hold the device's number once it is live
     */
    public static void main(String[] arguments) throws IOException, InterruptedException {
        KernelDriver driver = KernelDriver.open();
        Device device =
                Device.start(
                        driver,
                        new MemoryTarget(16L << 20),
                        DeviceOptions.defaults().with(Feature.UNPRIVILEGED_DEV));
        Runtime.getRuntime()
                .addShutdownHook(
                        Thread.ofPlatform()
                                .unstarted(() -> {
                                    device.close();
                                    driver.close();
                                }));
        ServerProcess.announce(device, Path.of(arguments[0]));
        device.awaitStop();
    }
}
