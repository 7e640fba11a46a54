package dev.ublk4j.cli;

import dev.ublk4j.cli.output.Failure;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** {@code ublk4j vm}, for the help alone: the launcher runs the machine without starting a JVM. */
@Command(
        name = "vm",
        description = "Run a command, or a shell, in a virtual machine whose kernel has ublk.",
        footer = {
            "",
            "The options are those of vm/run; './ublk4j vm --help' lists them.",
            "",
            "Example:",
            "  ublk4j vm -- ublk4j features"
        })
final class VmCommand implements Runnable {
    @Parameters(
            arity = "0..*",
            paramLabel = "[OPTION...] -- COMMAND",
            description = "The command to run in the machine. Default: a shell.")
    private List<String> command = new ArrayList<>();

    @Override
    public void run() {
        throw new Failure(
                "only the launcher script starts virtual machines; type: ./ublk4j vm "
                        + String.join(" ", command));
    }
}
