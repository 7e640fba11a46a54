package dev.ublk4j.cli;

import dev.ublk4j.cli.serve.ServedName;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.TypeConversionException;

/** The devices and exports that a command is about, as arguments, with {@code -n}, or both. */
@Command
final class ServedNames {
    @Parameters(
            arity = "0..*",
            paramLabel = "N",
            converter = Reader.class,
            description = "Devices, by number, and exports, such as e0.")
    private List<ServedName> positional = new ArrayList<>();

    @Option(
            names = {"-n", "--number"},
            paramLabel = "N",
            converter = Reader.class,
            description = "Same as N. May be repeated.")
    private List<ServedName> named = new ArrayList<>();

    /** {@return the names in the order of the command line, each once; none when none is given} */
    List<ServedName> names() {
        List<ServedName> all = new ArrayList<>(positional);
        all.addAll(named);
        return all.stream().distinct().toList();
    }

    /** Reads a name. */
    static final class Reader implements ITypeConverter<ServedName> {
        /** Creates the converter; picocli does so. */
        Reader() {}

        @Override
        public ServedName convert(String text) {
            try {
                return ServedName.parse(text);
            } catch (IllegalArgumentException e) {
                throw new TypeConversionException(e.getMessage());
            }
        }
    }
}
