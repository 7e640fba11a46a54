package dev.ublk4j.cli;

import dev.ublk4j.cli.serve.LiveDevice;
import dev.ublk4j.cli.serve.RunFolder;
import dev.ublk4j.cli.serve.SharingPlan;
import dev.ublk4j.driver.Driver;
import dev.ublk4j.server.Device;
import dev.ublk4j.server.Inheritance;
import dev.ublk4j.server.Target;
import java.time.Duration;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.ScopeType;

/** How a device is taken over from a former server. */
@Command
final class RecoverFlags {
    @Option(
            names = "--grace",
            paramLabel = "SECONDS",
            defaultValue = "30",
            scope = ScopeType.INHERIT,
            description =
                    "How long to keep memory that applications shared with the previous server"
                            + " until they claim it. Default: ${DEFAULT-VALUE}.")
    private int grace;

    /**
     * Takes a device over.
     *
     * @param target makes the target
     * @param sharing how memory is shared, null where it is not
     */
    LiveDevice recover(
            Driver driver, int number, Supplier<Target> target, @Nullable SharingPlan sharing) {
        if (sharing != null) {
            Duration time = Duration.ofSeconds(Math.max(0, grace));
            return sharing.recover(driver, number, target, RunFolder.ofUser(), time);
        }
        return new LiveDevice(
                Device.recover(driver, number, target.get(), Inheritance.none()), null, true);
    }
}
