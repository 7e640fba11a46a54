package dev.ublk4j.cli;

import dev.ublk4j.cli.serve.RunFolders;
import dev.ublk4j.cli.serve.ServedName;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** {@code ublk4j commit}. */
@Command(
        name = "commit",
        description =
                "Write the changes that an overlay has taken to its base, while it is in use.",
        footer = {
            "",
            "LEG is needed where there are several overlays; top is the target itself.",
            "",
            "The overlay must have been added with --allow-commit. The command returns when the base"
                    + " has all of them durably; when it is ended before, the commit goes on.",
            "",
            "Examples:",
            "  ublk4j commit 0",
            "  ublk4j commit e0"
        })
final class CommitCommand implements Callable<Integer> {
    @Mixin private final LegArguments arguments = new LegArguments();

    @Override
    public Integer call() {
        ServedName name = arguments.name();
        String leg = arguments.legOrNull();
        DriverModule.checkFor(name);
        RunFolders.ofUser().client(name).commit(leg);
        return 0;
    }
}
