package dev.ublk4j.cli;

import dev.ublk4j.cli.output.Explanation;
import dev.ublk4j.cli.output.Failure;
import dev.ublk4j.cli.output.OutputException;
import dev.ublk4j.cli.output.StandardOutput;
import dev.ublk4j.cli.serve.Background;
import dev.ublk4j.cli.serve.Report;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.List;
import picocli.CommandLine;
import picocli.CommandLine.Help;
import picocli.CommandLine.Help.Ansi;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.RunLast;

/**
 * The command {@code ublk4j}.
 *
 * <p>It ends with 0, with 1 when it failed, with 2 when it was called wrongly, with 130 or 143 when
 * it served a device until SIGINT or SIGTERM, with 3 when it could not take the device down in time
 * then, and with 141 when nobody read on what it printed. A failure is one line on the standard
 * error; who asked for JSON gets it as JSON, too.
 */
public final class Main {
    /** The exit status of a command that failed. */
    static final int FAILED = 1;

    /** The exit status of a command that was called wrongly. */
    static final int MISUSED = 2;

    /** The exit status of a command whose reader is gone: as if by SIGPIPE. */
    private static final int UNREAD = 128 + 13;

    private static final String JSON = "--json";

    /** The shortest abbreviation of {@link #JSON} that can be no other option's. */
    private static final int SHORTEST_JSON = "--js".length();

    private Main() {}

    /** Runs one command and ends the process with its status. */
    public static void main(String[] arguments) {
        // Read by the log manager when, and if, somebody logs.
        System.setProperty("java.util.logging.config.class", LogSetup.class.getName());
        System.exit(run(arguments));
    }

    private static int run(String[] arguments) {
        PrintWriter out = StandardOutput.writer();
        boolean coloured =
                StandardOutput.hasColours(
                        System.getenv().getOrDefault("TERM", ""),
                        System.getenv().getOrDefault("NO_COLOR", ""));
        CommandLine command =
                commandLine()
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
            return onLastFailure(e, command, arguments);
        }
    }

    private static int onLastFailure(Throwable e, CommandLine command, String... arguments) {
        try {
            return onFailure(e, command, arguments);
        } catch (Error unable) {
            // Not even a class can be loaded.
            System.err.println("ublk4j: " + e + "; a limit is too low, see: ulimit -n, ulimit -v");
            return FAILED;
        }
    }

    /** {@return the whole command, ready to parse, and without colours} */
    static CommandLine commandLine() {
        return configured(new CommandLine(new RootCommand()))
                .setAbbreviatedOptionsAllowed(true)
                .setColorScheme(Help.defaultColorScheme(Ansi.OFF))
                .setExecutionStrategy(Main::execute)
                .setParameterExceptionHandler(Main::onMisuse)
                .setExecutionExceptionHandler(Main::onFailure);
    }

    /** {@return the same, told how arguments are read everywhere} */
    static CommandLine configured(CommandLine command) {
        // A name that begins with @ is the name of a file, not of a list of arguments.
        return command.setExpandAtFiles(false);
    }

    /**
     * Help is printed outside of any command, and so outside of what handles a command's failure.
     */
    private static int execute(ParseResult parsed) {
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
        return MISUSED;
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
        return FAILED;
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
