package dev.ublk4j.cli;

import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** The one device that a command is about, as an argument or with {@code -n}. */
@Command
final class DeviceNumber {
    @Parameters(arity = "0..1", paramLabel = "N", description = "The device, by number.")
    private @Nullable Integer positional;

    @Option(
            names = {"-n", "--number"},
            paramLabel = "N",
            description = "Same as N.")
    private @Nullable Integer named;

    @Spec(Spec.Target.MIXEE)
    @SuppressWarnings("NullAway.Init") // set by picocli
    private CommandSpec spec;

    /**
     * {@return the number}
     *
     * @throws ParameterException when it is missing or given twice
     */
    int number() {
        if (positional != null && named != null) {
            throw new ParameterException(
                    spec.commandLine(), "N is given twice: as an argument and with -n");
        }
        if (positional != null) {
            return positional;
        }
        if (named != null) {
            return named;
        }
        throw new ParameterException(spec.commandLine(), "N is missing, the number of the device");
    }
}
