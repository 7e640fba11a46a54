package dev.ublk4j.cli;

import dev.ublk4j.cli.output.Explanation;
import dev.ublk4j.cli.output.Failure;
import dev.ublk4j.cli.output.OutputException;
import dev.ublk4j.cli.output.StandardOutput;
import dev.ublk4j.cli.output.Uncaught;
import dev.ublk4j.cli.serve.Background;
import dev.ublk4j.cli.serve.Report;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import picocli.CommandLine;
import picocli.CommandLine.Help;
import picocli.CommandLine.Help.Ansi;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.RunLast;
import picocli.CommandLine.TypeConversionException;
import picocli.CommandLine.UnmatchedArgumentException;

/** One run of the command: it is parsed and executed, and what fails is told. */
final class Invocation {
    /** The exit status of a command whose reader is gone: as if by SIGPIPE. */
    static final int UNREAD = 128 + 13;

    private static final String JSON = "--json";

    /** The shortest abbreviation of {@link #JSON} that can be no other option's. */
    private static final int SHORTEST_JSON = "--js".length();

    private Invocation() {}

    /**
     * Runs one command.
     *
     * @return the exit status
     */
    static int run(String[] arguments) {
        Thread.setDefaultUncaughtExceptionHandler(new Uncaught());
        // Numbers are read by programs too, and some locales have other digits than ASCII's.
        Locale.setDefault(Locale.ROOT);
        PrintWriter out = StandardOutput.writer();
        boolean coloured =
                StandardOutput.hasColours(
                        System.getenv().getOrDefault("TERM", ""),
                        System.getenv().getOrDefault("NO_COLOR", ""));
        CommandLine command =
                commandLineFor(arguments)
                        .setOut(out)
                        .setColorScheme(Help.defaultColorScheme(coloured ? Ansi.ON : Ansi.OFF));
        try {
            Names.check(List.of(arguments));
            int status = command.execute(arguments);
            out.flush();
            return status;
        } catch (Failure e) {
            return onMisuse(Explanation.of(e), command, arguments);
        } catch (IOException | RuntimeException | Error e) {
            return onFailure(e, command, arguments);
        }
    }

    /** {@return the whole command, ready to parse, and without colours} */
    static CommandLine commandLine() {
        CommandLine root = new TypedLine(new RootCommand());
        RootSubcommands.addAll(root);
        return ready(root);
    }

    /** {@return what of it these arguments may be about} */
    static CommandLine commandLineFor(String... arguments) {
        CommandLine root = new TypedLine(new RootCommand());
        RootSubcommands.addFor(root, arguments);
        return ready(root);
    }

    private static CommandLine ready(CommandLine root) {
        return configured(root)
                .setAbbreviatedOptionsAllowed(true)
                .setColorScheme(Help.defaultColorScheme(Ansi.OFF))
                .setExecutionStrategy(Invocation::execute)
                .setParameterExceptionHandler(Invocation::onMisuse)
                .setExecutionExceptionHandler(Invocation::onFailure);
    }

    /** {@return the same, told how arguments are read everywhere} */
    static CommandLine configured(CommandLine command) {
        // A name that begins with @ is the name of a file, not of a list of arguments.
        // The value of an option may look like another option, as getopt has it: --file=-a.
        return command.setExpandAtFiles(false)
                .setAllowOptionsAsOptionParameters(true)
                .setSubcommandsCaseInsensitive(true)
                .registerConverter(Path.class, Invocation::path);
    }

    /** What is empty would be the name of the current folder. */
    private static Path path(String text) {
        if (text.isEmpty()) {
            throw new TypeConversionException(Misuse.EMPTY);
        }
        return Path.of(text);
    }

    /**
     * Words of which one may be empty, where picocli cannot tell whether it is an abbreviation, and
     * some may be whole targets.
     */
    private static final class TypedLine extends CommandLine {
        TypedLine(RootCommand root) {
            super(root);
        }

        @Override
        public int execute(String... arguments) {
            if (List.of(arguments).contains("")) {
                setAbbreviatedOptionsAllowed(false);
            }
            try {
                return super.execute(OneWordTargets.expand(this, arguments));
            } catch (ParameterException e) {
                return onMisuse(e, arguments);
            }
        }
    }

    /** Help of a command that there is not would be that of another. */
    private static void checkCommands(ParseResult parsed) {
        for (CommandLine command : parsed.asCommandLineList()) {
            List<String> unmatched = command.getUnmatchedArguments();
            if (!command.getSubcommands().isEmpty()
                    && !unmatched.isEmpty()
                    && !unmatched.getFirst().startsWith("-")) {
                throw new UnmatchedArgumentException(command, unmatched);
            }
        }
    }

    /**
     * Help is printed outside of any command, and so outside of what handles a command's failure.
     */
    private static int execute(ParseResult parsed) {
        checkCommands(parsed);
        try {
            return new RunLast().execute(parsed);
        } catch (OutputException e) {
            return onFailure(e, parsed.commandSpec().commandLine());
        }
    }

    private static int onMisuse(ParameterException e, String[] arguments) {
        int status = onMisuse(Misuse.text(e), e.getCommandLine(), arguments);
        trace(e, e.getCommandLine());
        return status;
    }

    private static int onMisuse(String text, CommandLine command, String... arguments) {
        say(text, command, arguments);
        return Main.MISUSED;
    }

    private static int onFailure(Exception e, CommandLine command, ParseResult parsed) {
        return onFailure(e, command, parsed.originalArgs().toArray(String[]::new));
    }

    private static int onFailure(Throwable e, CommandLine command, String... arguments) {
        if (e instanceof OutputException output) {
            if (output.nobodyReads()) {
                return UNREAD;
            }
            say(String.valueOf(output.getMessage()), command);
        } else {
            say(Explanation.of(e), command, arguments);
        }
        trace(e, command);
        return Main.FAILED;
    }

    private static void trace(Throwable e, CommandLine command) {
        if (RootCommand.of(command).debug()) {
            e.printStackTrace(command.getErr());
            command.getErr().flush();
        }
    }

    private static void say(String text, CommandLine command, String... arguments) {
        PrintWriter err = command.getErr();
        err.println("ublk4j: " + text);
        err.flush();
        // A server in the background has reported it already.
        if (wantsJson(arguments) && Background.ownLogOrNull() == null) {
            try {
                command.getOut().println(Report.failed(text));
                command.getOut().flush();
            } catch (OutputException e) {
                // It has been said, and nobody reads more.
            }
        }
    }

    /** The arguments themselves are asked: they may not have made sense. */
    private static boolean wantsJson(String... arguments) {
        for (String argument : arguments) {
            if (argument.equals("--")) {
                return false;
            }
            if (argument.length() >= SHORTEST_JSON && JSON.startsWith(argument)) {
                return true;
            }
        }
        return false;
    }
}
