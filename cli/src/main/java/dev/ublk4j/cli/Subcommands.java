package dev.ublk4j.cli;

import java.util.stream.Collectors;
import picocli.CommandLine.Model.CommandSpec;

/** The sub-commands of a command, for messages. */
final class Subcommands {
    private Subcommands() {}

    /** {@return their names, without aliases} */
    static String names(CommandSpec spec) {
        return spec.subcommands().values().stream()
                .map(command -> command.getCommandName())
                .distinct()
                .collect(Collectors.joining(", "));
    }
}
