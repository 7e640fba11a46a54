package dev.ublk4j.cli;

import picocli.CommandLine;

/**
 * The command {@code ublk4j}.
 *
 * <p>It ends with 0, with 1 when it failed, with 2 when it was called wrongly, with 130 or 143 when
 * it served a device until SIGINT or SIGTERM (an export ends with 0 then), with 3 when it could not
 * take the device down in time then, and with 141 when nobody read on what it printed. A failure is
 * one line on the standard error; who asked for JSON gets it as JSON, too.
 *
 * <p>This class rests on no other until {@link #main} has begun to catch: where a limit is so low
 * that no class can be loaded, it can still say so.
 */
public final class Main {
    /** The exit status of a command that failed. */
    static final int FAILED = 1;

    /** The exit status of a command that was called wrongly. */
    static final int MISUSED = 2;

    private static final String LOG_SETUP = "java.util.logging.config.class";

    private Main() {}

    /** Runs one command and ends the process with its status. */
    public static void main(String[] arguments) {
        int status;
        try {
            // Read by the log manager when, and if, somebody logs.
            System.setProperty(LOG_SETUP, "dev.ublk4j.cli.LogSetup");
            status = Invocation.run(arguments);
        } catch (Throwable e) {
            // Nothing but what the JVM itself has loaded, and nothing of what e says: of a class
            // that cannot be verified that is a page.
            System.err.println(
                    "ublk4j: cannot load its classes ("
                            .concat(e.getClass().getName())
                            .concat("); a limit may be too low, see: ulimit -n, ulimit -v"));
            // The end of a process is logged, where somebody wants to know.
            System.clearProperty(LOG_SETUP);
            status = FAILED;
        }
        System.exit(status);
    }

    /** {@return the whole command, ready to parse, and without colours} */
    static CommandLine commandLine() {
        return Invocation.commandLine();
    }

    /** {@return what of it these arguments may be about, as {@link #main} parses them} */
    static CommandLine commandLineFor(String... arguments) {
        return Invocation.commandLineFor(arguments);
    }
}
