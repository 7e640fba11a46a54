package dev.ublk4j.cli;

import dev.ublk4j.cli.serve.DeviceControl;
import dev.ublk4j.cli.serve.DeviceStat;
import dev.ublk4j.cli.serve.RunFolders;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** {@code ublk4j resync}. */
@Command(
        name = "resync",
        description =
                "Copy the data of a mirror to a leg of it that has failed, while it is in use.",
        footer = {
            "",
            "'ublk4j stat N' shows the legs: leg 1.2 is the second leg of the device's first leg. The"
                    + " command returns when the copy has begun; the leg is then syncing, and in"
                    + " step when it is complete.",
            "",
            "Example:",
            "  ublk4j resync 0 2"
        })
final class ResyncCommand implements Callable<Integer> {
    @Parameters(index = "0", paramLabel = "N", description = "The device, by number.")
    private int number;

    @Parameters(index = "1", paramLabel = "LEG", description = "The leg, such as 2 or 1.2.")
    private String leg = "";

    @Mixin private final OutputFlags output = new OutputFlags();

    @Override
    public Integer call() {
        DriverModule.check();
        DeviceStat stat = DeviceControl.resync(RunFolders.ofUser().of(number), number, leg);
        if (output.json()) {
            output.out().println(stat.json());
            output.out().flush();
        }
        return 0;
    }
}
