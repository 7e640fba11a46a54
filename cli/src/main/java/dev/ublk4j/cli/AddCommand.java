package dev.ublk4j.cli;

import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code ublk4j add}: a sub-command for each kind of target. */
@Command(
        name = "add",
        description = "Add a block device and serve it.",
        synopsisSubcommandLabel = "TARGET",
        commandListHeading = "%nTargets:%n",
        footer = {
            "",
            "The device is served by a process in the background, which 'ublk4j del' or SIGTERM"
                    + " ends.",
            "",
            "Examples:",
            "  ublk4j add file disk.img",
            "  ublk4j add memory --size 1G -n 5",
            "  ublk4j add null --queues 2 --foreground"
        },
        subcommands = {
            AddNullCommand.class,
            AddMemoryCommand.class,
            AddFileCommand.class,
            AddTargetCommand.class
        })
final class AddCommand implements Runnable {
    @Spec
    @SuppressWarnings("NullAway.Init") // set by picocli
    private CommandSpec spec;

    @Override
    public void run() {
        throw new ParameterException(
                spec.commandLine(), "add what? One of: " + String.join(", ", targets()));
    }

    private Iterable<String> targets() {
        return spec.subcommands().values().stream()
                .map(command -> command.getCommandName())
                .distinct()
                .toList();
    }
}
