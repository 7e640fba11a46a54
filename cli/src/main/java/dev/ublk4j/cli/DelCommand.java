package dev.ublk4j.cli;

import dev.ublk4j.cli.output.Explanation;
import dev.ublk4j.cli.output.Failure;
import dev.ublk4j.cli.serve.ProcessIdentity;
import dev.ublk4j.cli.serve.RunFolder;
import dev.ublk4j.cli.serve.RunFolders;
import dev.ublk4j.cli.serve.ServedDevice;
import dev.ublk4j.driver.ControlTimeoutException;
import dev.ublk4j.driver.control.Control;
import dev.ublk4j.kernel.KernelDriver;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.LinuxException;
import java.io.IOException;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code ublk4j del}. */
@Command(
        name = "del",
        aliases = {"delete", "rm"},
        description = "Stop and delete devices, and wait for their servers to end.",
        footer = {
            "",
            "Also deletes devices without a server. Requests to a device that is mounted"
                    + " or otherwise open fail from then on; the device disappears when it is"
                    + " closed."
        })
final class DelCommand implements Callable<Integer> {
    /** How long a server may take to end once its device is gone. */
    private static final Duration SERVER_PATIENCE = Duration.ofSeconds(30);

    @Mixin private final DeviceNumbers devices = new DeviceNumbers();

    @Option(
            names = {"-a", "--all"},
            description = "All ublk devices, also those of other servers.")
    private boolean all;

    @Option(
            names = "--async",
            description = "Do not wait until the device is closed by everyone who has it open.")
    private boolean async;

    @Spec
    @SuppressWarnings("NullAway.Init") // set by picocli
    private CommandSpec spec;

    private final RunFolder folder = RunFolder.ofUser();

    @Override
    public Integer call() throws IOException {
        Collection<Integer> chosen = chosen();
        if (chosen.isEmpty()) {
            if (!DriverModule.isLoaded()) {
                spec.commandLine().getErr().println("ublk4j: " + DriverModule.missing());
            }
            return 0;
        }
        DriverModule.check();
        int status = 0;
        try (KernelDriver driver = KernelDriver.open()) {
            Control control = new Control(driver);
            for (int number : chosen) {
                try {
                    delete(control, number);
                } catch (LinuxException | Failure e) {
                    spec.commandLine().getErr().println("ublk4j: " + Explanation.of(e));
                    status = Main.FAILED;
                }
            }
        }
        return status;
    }

    private Collection<Integer> chosen() {
        List<Integer> numbers = devices.numbers();
        if (all == !numbers.isEmpty()) {
            throw new ParameterException(
                    spec.commandLine(), "give the numbers of devices, or --all");
        }
        return all ? Devices.all() : numbers;
    }

    private void delete(Control control, int number) throws IOException {
        ServedDevice served = RunFolders.ofUser().readOrNull(number);
        control.stop(number);
        try {
            if (async) {
                control.deleteAsync(number);
            } else {
                control.delete(number);
            }
        } catch (ControlTimeoutException e) {
            throw new Failure(
                    "device %d is stopped, but still open; it disappears when it is closed"
                            .formatted(number),
                    e);
        } catch (LinuxException e) {
            // Its own server deletes it as well, as soon as it sees it stopped.
            if (e.errno() != Errno.ENODEV) {
                throw e;
            }
        }
        if (served != null && !async) {
            awaitEnd(number, served.server());
        }
        folder.removeStale(number);
    }

    private static void awaitEnd(int number, ProcessIdentity server) {
        try {
            if (!server.awaitEnd(SERVER_PATIENCE)) {
                throw new Failure(
                        "device %d is deleted, but its server, process %d, is still running"
                                .formatted(number, server.pid()));
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new Failure("interrupted while waiting for a server to end", e);
        }
    }
}
