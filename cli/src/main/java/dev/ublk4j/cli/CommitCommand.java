package dev.ublk4j.cli;

import dev.ublk4j.cli.serve.DeviceControl;
import dev.ublk4j.cli.serve.RunFolders;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** {@code ublk4j commit}. */
@Command(
        name = "commit",
        description =
                "Write the changes that an overlay has taken to its base, while it is in use.",
        footer = {
            "",
            "The overlay must have been added with --allow-commit. The command returns when the base"
                    + " has all of them durably; when it is ended before, the commit goes on.",
            "",
            "Example:",
            "  ublk4j commit 0"
        })
final class CommitCommand implements Callable<Integer> {
    @Parameters(index = "0", paramLabel = "N", description = "The device, by number.")
    private int number;

    @Parameters(
            index = "1",
            arity = "0..1",
            paramLabel = "LEG",
            description = {
                "The leg that is the overlay, such as 1, or top; needed where there are several."
            })
    private @Nullable String leg;

    @Override
    public Integer call() {
        DriverModule.check();
        DeviceControl.commit(RunFolders.ofUser().of(number), number, leg);
        return 0;
    }
}
