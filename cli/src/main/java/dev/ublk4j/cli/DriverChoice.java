package dev.ublk4j.cli;

import dev.ublk4j.driver.Driver;
import dev.ublk4j.embedded.EmbeddedDriver;
import dev.ublk4j.kernel.KernelDriver;
import java.io.PrintWriter;

/** Which driver a demonstration adds its device to. */
enum DriverChoice {
    AUTO,
    KERNEL,
    EMBEDDED;

    /**
     * {@return the driver}
     *
     * @param err where to say that a module is being loaded
     */
    Driver open(PrintWriter err) {
        return switch (this) {
            case EMBEDDED -> EmbeddedDriver.create();
            case KERNEL -> {
                DriverModule.load(err);
                yield KernelDriver.open();
            }
            case AUTO -> DriverModule.tryLoad() ? KernelDriver.open() : EmbeddedDriver.create();
        };
    }
}
