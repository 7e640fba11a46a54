package dev.ublk4j.cli;

import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import picocli.CommandLine.UnmatchedArgumentException;

/** {@code ublk4j help}. */
@Command(
        name = "help",
        description = "Print the help of a command, or the manual page.",
        footer = {"", "Examples:", "  ublk4j help add file", "  ublk4j help --man | man -l -"})
final class HelpCommand implements Runnable {
    @Parameters(
            arity = "0..*",
            paramLabel = "COMMAND",
            description = "The command, such as: add file.")
    private List<String> words = new ArrayList<>();

    @Option(names = "--man", description = "Print the manual page of ublk4j, in roff.")
    private boolean man;

    @Spec
    @SuppressWarnings("NullAway.Init") // set by picocli
    private CommandSpec spec;

    @Override
    public void run() {
        PrintWriter out = spec.commandLine().getOut();
        CommandLine command = spec.root().commandLine();
        if (man) {
            new ManualPage(out).print(command);
        } else {
            for (String word : words) {
                CommandLine next = command.getSubcommands().get(word);
                if (next == null) {
                    throw new UnmatchedArgumentException(command, List.of(word));
                }
                command = next;
            }
            command.usage(out);
        }
        out.flush();
    }
}
