package dev.ublk4j.cli;

import dev.ublk4j.cli.doctor.CrashGuard;
import dev.ublk4j.cli.doctor.KernelIdentity;
import dev.ublk4j.cli.output.Explanation;
import dev.ublk4j.cli.output.Rehearsal;
import dev.ublk4j.driver.Driver;
import dev.ublk4j.driver.MissingFeatureException;
import dev.ublk4j.driver.control.Control;
import dev.ublk4j.embedded.EmbeddedDriver;
import dev.ublk4j.kernel.KernelDriver;
import dev.ublk4j.uapi.ControlCommand;
import java.io.PrintWriter;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

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
        Rehearsal.run();
        return switch (this) {
            case EMBEDDED -> EmbeddedDriver.create();
            case KERNEL -> {
                CrashGuard.check(KernelIdentity.running(), "; or use --driver embedded");
                DriverModule.load(err);
                yield KernelDriver.open();
            }
            case AUTO -> {
                KernelDriver driver = kernelOrNull(err);
                yield driver == null ? EmbeddedDriver.create() : driver;
            }
        };
    }

    /** {@return the kernel's driver, if it is there and can do what is to be shown} */
    private static @Nullable KernelDriver kernelOrNull(PrintWriter err) {
        if (CrashGuard.isKnownToCrash(KernelIdentity.running()) || !DriverModule.tryLoad()) {
            return null;
        }
        KernelDriver driver = KernelDriver.open();
        try {
            new Control(driver).require(ControlCommand.REG_BUF);
            return driver;
        } catch (MissingFeatureException e) {
            err.println("ublk4j: " + Explanation.of(e) + "; using the embedded driver");
            err.flush();
            driver.close();
            return null;
        } catch (Throwable e) {
            driver.close();
            throw e;
        }
    }
}
