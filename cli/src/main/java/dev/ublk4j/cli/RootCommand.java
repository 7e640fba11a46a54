package dev.ublk4j.cli;

import java.util.logging.Level;
import java.util.logging.Logger;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ScopeType;
import picocli.CommandLine.Spec;

/** {@code ublk4j}: the options that every command has. Its commands are {@link RootSubcommands}. */
@Command(
        name = "ublk4j",
        description = "Serves Linux block devices from the JVM, over ublk.",
        mixinStandardHelpOptions = true,
        scope = ScopeType.INHERIT,
        versionProvider = RootCommand.Version.class,
        synopsisSubcommandLabel = "COMMAND",
        sortOptions = false,
        usageHelpAutoWidth = false)
final class RootCommand implements Runnable {
    @Spec
    @SuppressWarnings("NullAway.Init") // set by picocli
    private CommandSpec spec;

    private boolean debug;

    /** Kept from being collected, and its level with it. */
    private @Nullable Logger verboseLogger;

    @Option(
            names = {"-v", "--verbose"},
            scope = ScopeType.INHERIT,
            description = "Log everything, not only warnings and errors.")
    void verbose(boolean on) {
        if (on) {
            verboseLogger = Logger.getLogger("dev.ublk4j");
            verboseLogger.setLevel(Level.ALL);
        }
    }

    @Option(
            names = "--debug",
            scope = ScopeType.INHERIT,
            description = "Print the stack trace of an error.")
    void debug(boolean on) {
        debug = on;
    }

    /** {@return whether stack traces are to be printed} */
    boolean debug() {
        return debug;
    }

    /** {@return the root of a command} */
    static RootCommand of(CommandLine command) {
        return (RootCommand) command.getCommandSpec().root().userObject();
    }

    @Override
    public void run() {
        throw new ParameterException(spec.commandLine(), "no command given");
    }

    /** The version that the build put into the jar. */
    static final class Version implements IVersionProvider {
        @Override
        public String[] getVersion() {
            String version = Main.class.getPackage().getImplementationVersion();
            return new String[] {"ublk4j " + (version == null ? "unpackaged" : version)};
        }
    }
}
