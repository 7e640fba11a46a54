package dev.ublk4j.cli;

import dev.ublk4j.cli.output.Explanation;
import dev.ublk4j.cli.output.OutputException;
import dev.ublk4j.cli.serve.Background;
import dev.ublk4j.cli.serve.DevicePlan;
import dev.ublk4j.cli.serve.Foreground;
import dev.ublk4j.cli.serve.Launcher;
import dev.ublk4j.cli.serve.Report;
import dev.ublk4j.cli.serve.RunFolder;
import dev.ublk4j.cli.serve.ServedDevice;
import dev.ublk4j.linux.internal.MemoryReclaim;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.ScopeType;

/** How a device is served: here or in the background, and what is said of it. */
@Command
final class ServeFlags {
    @Option(
            names = "--foreground",
            scope = ScopeType.INHERIT,
            description = "Serve in the foreground, until Ctrl-C, SIGTERM or 'ublk4j del N'.")
    private boolean foreground;

    @Option(names = "--json", scope = ScopeType.INHERIT, description = "Print the device as JSON.")
    private boolean json;

    @Option(
            names = "--own-swap",
            scope = ScopeType.INHERIT,
            description = {
                "For a device that holds swap space or file systems of this machine: lock"
                        + " the memory of the server and let it allocate without waiting for I/O, to"
                        + " avoid a deadlock when memory is short. Needs root."
            })
    private boolean ownSwap;

    /**
     * Serves a device, or has it served by a process in the background; returns when that is so.
     *
     * @param err told what is done besides
     */
    void serve(DevicePlan plan, PrintWriter out, PrintWriter err) throws IOException {
        Path log = Background.ownLogOrNull();
        Launcher launcher = Launcher.waitingOrNull();
        if (ownSwap && (log != null || foreground || launcher != null)) {
            // Before there is any thread that serves: they take it over from this one.
            MemoryReclaim.withstand();
        }
        if (log != null) {
            report(plan, log, out);
            return;
        }
        DriverModule.load(err);
        RunFolder folder = RunFolder.ofUser();
        if (foreground) {
            Foreground.serve(plan, folder, null, device -> print(device, out));
        } else if (launcher != null) {
            launcher.serve(plan, folder, device -> tell(device, out, err));
        } else {
            Background.start(
                    folder,
                    plan.mayTakeOver(),
                    served -> {
                        ServedDevice device = ServedDevice.parse(served);
                        try {
                            print(device, out);
                        } catch (OutputException e) {
                            throw e.after(isLive(device));
                        }
                    });
        }
    }

    private static void report(DevicePlan plan, Path log, PrintWriter out) {
        try {
            Foreground.serve(
                    plan,
                    RunFolder.ofUser(),
                    log,
                    device -> {
                        out.println(device.json());
                        out.flush();
                    });
        } catch (Throwable e) {
            out.println(Report.failed(Explanation.of(e)));
            out.flush();
            throw e;
        }
    }

    /** Whether anybody reads it or not, the device is there. */
    private int tell(ServedDevice device, PrintWriter out, PrintWriter err) {
        try {
            print(device, out);
            return 0;
        } catch (OutputException e) {
            if (e.nobodyReads()) {
                return Invocation.UNREAD;
            }
            err.println("ublk4j: " + e.after(isLive(device)).getMessage());
            err.flush();
            return Main.FAILED;
        }
    }

    private static String isLive(ServedDevice device) {
        return device.path() + " is live all the same";
    }

    private void print(ServedDevice device, PrintWriter out) {
        out.println(json ? device.json() : device.path());
        out.flush();
    }
}
