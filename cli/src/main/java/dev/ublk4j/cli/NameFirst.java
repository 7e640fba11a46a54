package dev.ublk4j.cli;

import dev.ublk4j.cli.serve.ServedName;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/**
 * The device or the export that a command is about, as its first argument or with {@code -n},
 * before one more argument.
 */
@Command
class NameFirst {
    @Parameters(
            index = "0",
            arity = "0..1",
            paramLabel = "N",
            description = "The device, by number, or the export, such as e0.")
    private @Nullable String first;

    @Option(
            names = {"-n", "--number"},
            paramLabel = "N",
            description = "Same as N.")
    private @Nullable String named;

    @Spec(Spec.Target.MIXEE)
    @SuppressWarnings("NullAway.Init") // set by picocli
    private CommandSpec spec;

    /**
     * {@return what is served}
     *
     * @throws ParameterException when it is missing, or no name
     */
    final ServedName name() {
        String text = named == null ? first : named;
        if (text == null) {
            throw wrong("N is missing, the device or the export");
        }
        if (text.isEmpty()) {
            throw wrong("N is empty");
        }
        try {
            return ServedName.parse(text);
        } catch (IllegalArgumentException e) {
            throw new ParameterException(spec.commandLine(), e.getMessage(), e);
        }
    }

    /**
     * {@return the argument besides N, null where there is none}
     *
     * @param second the second argument of the command, null where there is none
     * @throws ParameterException when N is given twice
     */
    final @Nullable String other(@Nullable String second) {
        if (named == null) {
            return second;
        }
        if (second != null) {
            throw wrong("N is given twice: as an argument and with -n");
        }
        return first;
    }

    /** {@return the exception that says what is missing, with how the command is called} */
    final ParameterException missing(String label) {
        return wrong("%s is missing; type: ublk4j %s N %1$s".formatted(label, spec.name()));
    }

    /** {@return the exception that says what is wrong with the command line} */
    final ParameterException wrong(String text) {
        return new ParameterException(spec.commandLine(), text);
    }
}
