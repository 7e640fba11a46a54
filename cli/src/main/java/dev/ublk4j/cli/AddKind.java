package dev.ublk4j.cli;

import dev.ublk4j.cli.output.Explanation;
import dev.ublk4j.cli.serve.Background;
import dev.ublk4j.cli.serve.Foreground;
import dev.ublk4j.cli.serve.Plan;
import dev.ublk4j.cli.serve.Report;
import dev.ublk4j.cli.serve.Reshaped;
import dev.ublk4j.cli.serve.RunFolder;
import dev.ublk4j.cli.serve.ServedDevice;
import dev.ublk4j.cli.serve.SharingPlan;
import dev.ublk4j.server.DeviceOptions;
import dev.ublk4j.server.Geometry;
import dev.ublk4j.server.Target;
import dev.ublk4j.uapi.Feature;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** What every {@code add} does, whatever the target is. */
abstract class AddKind implements Callable<Integer> {
    @Mixin private final DeviceFlags flags = new DeviceFlags();

    @Mixin private final SharingFlags sharing = new SharingFlags();

    @Spec
    @SuppressWarnings("NullAway.Init") // set by picocli
    private CommandSpec spec;

    /** {@return the file or class behind the target, where there is one} */
    @Nullable String source() {
        return null;
    }

    /**
     * Finds what is wrong with the options, before a driver is needed.
     *
     * @throws IllegalArgumentException when something is
     */
    void check() {}

    /** {@return the target}; called in the process that serves */
    abstract Target open();

    final DeviceFlags flags() {
        return flags;
    }

    @Override
    public final Integer call() throws IOException {
        Plan plan = checkedPlan();
        Path log = Background.ownLogOrNull();
        PrintWriter out = spec.commandLine().getOut();
        if (log != null) {
            report(plan, log, out);
            return 0;
        }
        DriverModule.load(spec.commandLine().getErr());
        RunFolder folder = RunFolder.ofUser();
        if (flags.foreground()) {
            Foreground.serve(plan, folder, null, device -> print(device, out));
        } else {
            print(Background.start(folder), out);
        }
        return 0;
    }

    private Plan checkedPlan() {
        try {
            check();
            SharingPlan shared = sharing.plan();
            DeviceOptions options = flags.options();
            return new Plan(
                    spec.name(),
                    source(),
                    shared == null ? options : options.with(Feature.SHMEM_ZC),
                    shared,
                    this::openShaped);
        } catch (IllegalArgumentException e) {
            throw new ParameterException(spec.commandLine(), Explanation.of(e), e);
        }
    }

    private Target openShaped() {
        Target target = open();
        try {
            Geometry own = target.geometry();
            Geometry shaped = flags.shape(own);
            return shaped.equals(own) ? target : new Reshaped(target, shaped);
        } catch (RuntimeException e) {
            target.close();
            throw e;
        }
    }

    private static void report(Plan plan, Path log, PrintWriter out) {
        try {
            Foreground.serve(
                    plan,
                    RunFolder.ofUser(),
                    log,
                    device -> {
                        out.println(Report.live(device));
                        out.flush();
                    });
        } catch (RuntimeException e) {
            out.println(Report.failed(Explanation.of(e)));
            out.flush();
            throw e;
        }
    }

    private void print(ServedDevice device, PrintWriter out) {
        out.println(flags.json() ? device.json() : device.path());
        out.flush();
    }
}
