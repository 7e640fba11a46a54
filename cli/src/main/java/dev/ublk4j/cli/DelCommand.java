package dev.ublk4j.cli;

import dev.ublk4j.cli.output.Explanation;
import dev.ublk4j.cli.output.Failure;
import dev.ublk4j.cli.serve.ProcessIdentity;
import dev.ublk4j.cli.serve.RunFolder;
import dev.ublk4j.cli.serve.RunFolders;
import dev.ublk4j.cli.serve.ServedDevice;
import dev.ublk4j.cli.serve.ServedExport;
import dev.ublk4j.cli.serve.ServedName;
import dev.ublk4j.driver.ControlTimeoutException;
import dev.ublk4j.driver.control.Control;
import dev.ublk4j.kernel.KernelDriver;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.LinuxException;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;
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
        description = "Stop and delete devices, end exports, and wait for their servers to end.",
        footer = {
            "",
            "Also deletes devices without a server. Requests to a device that is mounted"
                    + " or otherwise open fail from then on; the device disappears when it is"
                    + " closed.",
            "",
            "Clients of an export are disconnected. A process that serves several exports ends with"
                    + " all of them, so name them all."
        })
final class DelCommand implements Callable<Integer> {
    /** How long a server may take to end once its device is gone. */
    private static final Duration SERVER_PATIENCE = Duration.ofSeconds(30);

    /** How long the target of a server of ours may write nothing while its device is stopped. */
    private static final Duration STOP_PATIENCE = Duration.ofSeconds(8);

    @Mixin private final ServedNames served = new ServedNames();

    @Option(
            names = {"-a", "--all"},
            description = "All ublk devices, also those of other servers, and no exports.")
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
        List<ServedName> names = served.names();
        if (all == !names.isEmpty()) {
            throw new ParameterException(
                    spec.commandLine(), "give the names of devices or exports, or --all");
        }
        List<ServedName> exports = names.stream().filter(ServedName::isExport).toList();
        Collection<Integer> devices = all ? Devices.all() : numbers(names);
        if (!devices.isEmpty()) {
            DriverModule.check();
        } else if (all && !DriverModule.isLoaded()) {
            spec.commandLine().getErr().println("ublk4j: " + DriverModule.missing());
        }
        int status = end(exports);
        return devices.isEmpty() ? status : Math.max(status, delete(devices));
    }

    private static List<Integer> numbers(List<ServedName> names) {
        return names.stream().filter(name -> !name.isExport()).map(ServedName::number).toList();
    }

    /** Ends exports, those of one server together. */
    private int end(List<ServedName> exports) {
        int status = 0;
        RunFolders folders = RunFolders.ofUser();
        Map<Object, List<ServedName>> byServer = new LinkedHashMap<>();
        for (ServedName export : exports) {
            ServedExport found = folders.of(export).readExportOrNull(export.number());
            Object server = found == null ? export : found.server();
            byServer.computeIfAbsent(server, _ -> new ArrayList<>()).add(export);
        }
        for (Map.Entry<Object, List<ServedName>> each : byServer.entrySet()) {
            try {
                folders.client(each.getValue().getFirst()).end(each.getValue());
                if (each.getKey() instanceof ProcessIdentity server && !async) {
                    awaitEnd(each.getValue().getFirst().text() + " is ended", server);
                }
            } catch (Failure e) {
                spec.commandLine().getErr().println("ublk4j: " + Explanation.of(e));
                status = Main.FAILED;
            }
        }
        return status;
    }

    private int delete(Collection<Integer> chosen) throws IOException {
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

    private void delete(Control control, int number) throws IOException {
        ServedDevice word = RunFolders.ofUser().readOrNull(number);
        stop(control, number, word);
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
        if (word != null && !async) {
            awaitEnd("device %d is deleted".formatted(number), word.server());
        }
        folder.removeStale(number);
    }

    /**
     * Stops a device, for which the driver waits until its requests are complete. A server of ours
     * whose target does not complete them is told to end: the driver then fails them.
     */
    private void stop(Control control, int number, @Nullable ServedDevice word) {
        if (word == null || !word.server().isAlive()) {
            control.stop(number);
            return;
        }
        StoppingDisk disk = new StoppingDisk(number, STOP_PATIENCE);
        try {
            new Control(control.driver(), STOP_PATIENCE).stop(number);
        } catch (ControlTimeoutException e) {
            if (disk.await(e.outcome())) {
                awaitStop(e);
                return;
            }
            end(word.server(), "device %d is not stopped".formatted(number));
            awaitStop(e);
            spec.commandLine()
                    .getErr()
                    .println(
                            "ublk4j: the target of device %d did not complete its requests in time; they have failed"
                                    .formatted(number));
        }
    }

    /** As SIGTERM does: it ends in time, whatever its target does. */
    private static void end(ProcessIdentity server, String state) {
        ProcessHandle.of(server.pid())
                .filter(_ -> server.isAlive())
                .ifPresent(ProcessHandle::destroy);
        awaitEnd(state, server);
    }

    private static void awaitStop(ControlTimeoutException late) {
        try {
            int answer =
                    late.outcome()
                            .toCompletableFuture()
                            .get(SERVER_PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
            if (answer < 0 && answer != Errno.ENODEV.negated()) {
                throw new LinuxException(late.call(), late.object(), answer);
            }
        } catch (TimeoutException | ExecutionException e) {
            late.addSuppressed(e);
            throw late;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new Failure("interrupted while a device is stopped", e);
        }
    }

    private static void awaitEnd(String done, ProcessIdentity server) {
        try {
            if (!server.awaitEnd(SERVER_PATIENCE)) {
                throw new Failure(
                        "%s, but its server, process %d, is still running"
                                .formatted(done, server.pid()));
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new Failure("interrupted while waiting for a server to end", e);
        }
    }
}
