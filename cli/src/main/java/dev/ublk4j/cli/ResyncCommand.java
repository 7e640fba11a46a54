package dev.ublk4j.cli;

import dev.ublk4j.cli.serve.DeviceStat;
import dev.ublk4j.cli.serve.RunFolders;
import dev.ublk4j.cli.serve.ServedName;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** {@code ublk4j resync}. */
@Command(
        name = "resync",
        description =
                "Copy the data of a mirror to a leg of it that has failed, while it is in use.",
        footer = {
            "",
            "'ublk4j stat N' shows the legs: leg 1.2 is the second leg of the first leg. The"
                    + " command returns when the copy has begun; the leg is then syncing, and in"
                    + " step when it is complete.",
            "",
            "Examples:",
            "  ublk4j resync 0 2",
            "  ublk4j resync e0 1.2"
        })
final class ResyncCommand implements Callable<Integer> {
    @Mixin private final LegArguments arguments = new LegArguments();

    @Mixin private final OutputFlags output = new OutputFlags();

    @Override
    public Integer call() {
        ServedName name = arguments.name();
        String leg = arguments.leg();
        DriverModule.checkFor(name);
        DeviceStat stat = RunFolders.ofUser().client(name).resync(leg);
        if (output.json()) {
            output.out().println(stat.json());
            output.out().flush();
        }
        return 0;
    }
}
