package dev.ublk4j.cli;

import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;

/** A device or an export and a leg of its target: {@code N LEG}, or {@code -n N LEG}. */
@Command
final class LegArguments extends NameFirst {
    @Parameters(
            index = "1",
            arity = "0..1",
            paramLabel = "LEG",
            description = "The leg, such as 2 or 1.2.")
    private @Nullable String second;

    /**
     * {@return the place of the leg, null where none is given}
     *
     * @throws ParameterException when N is given twice
     */
    @Nullable String legOrNull() {
        return other(second);
    }

    /**
     * {@return the place of the leg}
     *
     * @throws ParameterException when it is missing
     */
    String leg() {
        String leg = legOrNull();
        if (leg == null) {
            throw missing("LEG");
        }
        return leg;
    }
}
