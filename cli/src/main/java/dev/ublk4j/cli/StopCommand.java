package dev.ublk4j.cli;

import dev.ublk4j.cli.output.Explanation;
import dev.ublk4j.cli.output.Failure;
import dev.ublk4j.driver.control.Control;
import dev.ublk4j.kernel.KernelDriver;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.LinuxException;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code ublk4j stop}. */
@Command(
        name = "stop",
        description = "Stop devices: their block devices disappear.",
        footer = {
            "",
            "Requests to a device that is mounted or otherwise open fail from then on; with"
                    + " --safe such a device is left as it is. The server of a device ends. A server of"
                    + " ublk4j deletes its device then; any other device stays, dead, until 'ublk4j del"
                    + " N'."
        })
final class StopCommand implements Callable<Integer> {
    @Mixin private final DeviceNumbers devices = new DeviceNumbers();

    @Option(
            names = "--safe",
            description = "Only if nobody has the device open (Linux 7.0); fails otherwise.")
    private boolean safe;

    @Spec
    @SuppressWarnings("NullAway.Init") // set by picocli
    private CommandSpec spec;

    @Override
    public Integer call() {
        List<Integer> numbers = devices.numbers();
        if (numbers.isEmpty()) {
            throw new ParameterException(spec.commandLine(), "give the numbers of devices");
        }
        DriverModule.check();
        int status = 0;
        try (KernelDriver driver = KernelDriver.open()) {
            Control control = new Control(driver);
            for (int number : numbers) {
                try {
                    stop(control, number);
                } catch (LinuxException | Failure e) {
                    spec.commandLine().getErr().println("ublk4j: " + Explanation.of(e));
                    status = Main.FAILED;
                }
            }
        }
        return status;
    }

    private void stop(Control control, int number) {
        if (!safe) {
            control.stop(number);
            return;
        }
        try {
            control.tryStop(number);
        } catch (LinuxException e) {
            if (e.errno() == Errno.EBUSY) {
                throw new Failure(
                        "device %d is mounted or otherwise open, and stays as it is"
                                .formatted(number),
                        e);
            }
            throw e;
        }
    }
}
