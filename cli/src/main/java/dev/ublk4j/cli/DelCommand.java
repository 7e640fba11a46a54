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
import java.util.LinkedHashSet;
import java.util.Set;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code ublk4j del}. */
@Command(
        name = "del",
        aliases = {"delete", "rm"},
        description = "Stop and delete devices, and wait until their servers have ended.",
        footer = {
            "",
            "Works without a server too; where the kernel has no ublk driver loaded, --all says so,"
                    + " and has nothing to do. A device that is mounted or otherwise open fails its"
                    + " requests from then on, and goes away when it is closed."
        })
final class DelCommand implements Callable<Integer> {
    /** How long a server may take to end once its device is gone. */
    private static final Duration SERVER_PATIENCE = Duration.ofSeconds(30);

    @Parameters(arity = "0..*", paramLabel = "N", description = "Devices, by number.")
    private Set<Integer> numbers = new LinkedHashSet<>();

    @Option(
            names = {"-n", "--number"},
            paramLabel = "N",
            description = "The same as N.")
    private @Nullable Integer named;

    @Option(
            names = {"-a", "--all"},
            description = "All ublk devices, those of other servers too.")
    private boolean all;

    @Option(
            names = "--async",
            description = "Do not wait until nobody has the device open any more.")
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
        if (named != null) {
            numbers.add(named);
        }
        if (all == !numbers.isEmpty()) {
            throw new ParameterException(
                    spec.commandLine(), "give either the numbers of devices or --all");
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
                    "device %d is stopped, but somebody still has it open; it goes away with them"
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
                        "device %d is deleted, but its server, process %d, has not ended"
                                .formatted(number, server.pid()));
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new Failure("interrupted while a server ends", e);
        }
    }
}
