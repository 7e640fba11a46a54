package dev.ublk4j.cli;

import dev.ublk4j.cli.output.Explanation;
import java.io.PrintWriter;
import picocli.CommandLine;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;

/**
 * The command {@code ublk4j}.
 *
 * <p>It ends with 0, with 1 when it failed, with 2 when it was called wrongly, and with 130 or 143
 * when it served a device until SIGINT or SIGTERM, with 3 when it could not take the device down in
 * time then. A failure is one line on the standard error.
 */
public final class Main {
    /** The exit status of a command that failed. */
    static final int FAILED = 1;

    /** The exit status of a command that was called wrongly. */
    static final int MISUSED = 2;

    private Main() {}

    /** Runs one command and ends the process with its status. */
    public static void main(String[] arguments) {
        // Read by the log manager when, and if, somebody logs.
        System.setProperty("java.util.logging.config.class", LogSetup.class.getName());
        System.exit(commandLine().execute(arguments));
    }

    /** {@return the whole command, ready to parse} */
    static CommandLine commandLine() {
        return new CommandLine(new RootCommand())
                .setAbbreviatedOptionsAllowed(true)
                .setParameterExceptionHandler(Main::onMisuse)
                .setExecutionExceptionHandler(Main::onFailure);
    }

    private static int onMisuse(ParameterException e, String[] arguments) {
        CommandLine command = e.getCommandLine();
        PrintWriter err = command.getErr();
        err.printf(
                "ublk4j: %s; see: %s --help%n",
                Explanation.oneLine(e.getMessage()), command.getCommandSpec().qualifiedName());
        if (RootCommand.of(command).debug()) {
            e.printStackTrace(err);
        }
        return MISUSED;
    }

    private static int onFailure(Exception e, CommandLine command, ParseResult parsed) {
        PrintWriter err = command.getErr();
        err.println("ublk4j: " + Explanation.of(e));
        if (RootCommand.of(command).debug()) {
            e.printStackTrace(err);
        }
        err.flush();
        return FAILED;
    }
}
