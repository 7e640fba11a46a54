package dev.ublk4j.cli;

import java.io.PrintWriter;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Stream;
import picocli.CommandLine;
import picocli.CommandLine.Help.Ansi;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.PositionalParamSpec;

/**
 * The manual page, in the macros of {@code man(7)}, made of what the commands say of themselves.
 */
final class ManualPage {
    /** Options that every command has, told once. */
    private static final Set<String> EVERYWHERE = Set.of("--help", "--version");

    private final PrintWriter out;

    ManualPage(PrintWriter out) {
        this.out = out;
    }

    void print(CommandLine root) {
        out.println(".TH UBLK4J 8 \"\" \"ublk4j\" \"System Administration\"");
        heading("NAME");
        text("ublk4j - " + String.join(" ", root.getCommandSpec().usageMessage().description()));
        heading("SYNOPSIS");
        text(synopsis(root));
        heading("OPTIONS OF EVERY COMMAND");
        root.getCommandSpec().options().forEach(this::option);
        heading("COMMANDS");
        commands(root).forEach(this::command);
        heading("EXIT STATUS");
        entry("0", "Success; or a device was served until it was deleted.");
        entry("1", "The command failed; one line on standard error says why.");
        entry("2", "Wrong usage.");
        entry(
                "3",
                "A device was served until SIGINT or SIGTERM, and could not be stopped in"
                        + " time; one line on standard error says what is left.");
        entry(
                "130, 143",
                "A device was served until SIGINT or SIGTERM. An export then ends with 0.");
        entry("141", "The reader of the output closed the pipe.");
        heading("ENVIRONMENT");
        entry("UBLK4J_RUN", "The folder of state and log files, instead of those below.");
        entry("NO_COLOR", "No colours, if it is not empty.");
        entry("UBLK4J_JAVA_OPTS", "More options for the JVM, separated by blanks.");
        entry("JAVA_HOME", "The JDK to run on, 25 or later.");
        heading("FILES");
        text(
                "For users who cannot write to /run/ublk4j, these files are in"
                        + " $XDG_RUNTIME_DIR/ublk4j or /tmp/ublk4j-UID.");
        entry("/run/ublk4j/N.json", "The state of device N, while it exists.");
        entry("/run/ublk4j/N.log", "The log of the last background server of device N.");
        entry("/run/ublk4j/PROTOCOL-PID.log", "The log of a background export.");
    }

    private static Stream<CommandLine> commands(CommandLine command) {
        return new LinkedHashSet<>(command.getSubcommands().values()).stream();
    }

    private void command(CommandLine command) {
        CommandSpec spec = command.getCommandSpec();
        out.println(".SS " + escape(spec.qualifiedName()));
        text(String.join(" ", spec.usageMessage().description()));
        out.println(".PP");
        text(synopsis(command));
        spec.positionalParameters().forEach(this::positional);
        spec.options().stream()
                .filter(option -> !option.inherited() && !EVERYWHERE.contains(option.longestName()))
                .forEach(this::option);
        footer(spec.usageMessage().footer());
        commands(command).forEach(this::command);
    }

    private static String synopsis(CommandLine command) {
        String detailed = command.getHelp().detailedSynopsis(0, null, false);
        return detailed.strip().replaceAll("\\s*\\R\\s*", " ");
    }

    private void footer(String... lines) {
        if (lines.length == 0) {
            return;
        }
        for (String line : lines) {
            if (line.startsWith(" ")) {
                out.println(".br");
            }
            text(line.isEmpty() ? ".PP" : line);
        }
    }

    private void option(OptionSpec option) {
        if (!option.hidden()) {
            String label = option.arity().max() == 0 ? "" : " " + option.paramLabel();
            entry(
                    String.join(", ", option.names()) + label,
                    described(option.description(), option));
        }
    }

    private void positional(PositionalParamSpec parameter) {
        entry(parameter.paramLabel(), String.join(" ", parameter.description()));
    }

    private static String described(String[] description, OptionSpec option) {
        return String.join(" ", List.of(description))
                .replace("${DEFAULT-VALUE}", String.valueOf(option.defaultValue()))
                .replace("${COMPLETION-CANDIDATES}", candidates(option));
    }

    private static String candidates(OptionSpec option) {
        return option.completionCandidates() == null
                ? ""
                : String.join(", ", option.completionCandidates());
    }

    private void heading(String text) {
        out.println(".SH " + text.toUpperCase(Locale.ROOT));
    }

    private void entry(String term, String text) {
        out.println(".TP");
        out.println(".B " + escape(term));
        text(text);
    }

    private void text(String text) {
        String plain = Ansi.OFF.string(text).strip();
        out.println(plain.equals(".PP") ? plain : escape(plain));
    }

    private static String escape(String text) {
        String escaped = text.replace("\\", "\\e").replace("-", "\\-");
        return escaped.startsWith(".") || escaped.startsWith("'") ? "\\&" + escaped : escaped;
    }
}
