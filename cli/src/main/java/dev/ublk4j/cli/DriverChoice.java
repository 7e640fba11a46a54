package dev.ublk4j.cli;

import dev.ublk4j.driver.Driver;
import dev.ublk4j.embedded.EmbeddedDriver;
import dev.ublk4j.kernel.KernelDriver;
import java.io.PrintWriter;
import java.util.Locale;

/** Which driver a demonstration adds its device to. */
enum DriverChoice {
    AUTO,
    KERNEL,
    EMBEDDED;

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** Reads one. */
    static final class Reader extends Choice<DriverChoice> {
        /** Creates the converter; picocli does so. */
        Reader() {
            super(DriverChoice.class);
        }
    }

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
