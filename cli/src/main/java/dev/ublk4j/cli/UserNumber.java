package dev.ublk4j.cli;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** A user of this machine, by number or by the name that {@code /etc/passwd} has. */
final class UserNumber implements ITypeConverter<Integer> {
    private static final Path USERS = Path.of("/etc/passwd");
    private static final int NAME = 0;
    private static final int NUMBER = 2;

    /** Creates the converter; picocli does so. */
    UserNumber() {}

    @Override
    public Integer convert(String text) {
        if (text.matches("\\d{1,9}")) {
            return Integer.valueOf(text);
        }
        try {
            for (String line : lines(USERS)) {
                String[] fields = line.split(":", -1);
                if (fields.length > NUMBER && fields[NAME].equals(text)) {
                    return Integer.valueOf(fields[NUMBER]);
                }
            }
        } catch (IOException | NumberFormatException e) {
            throw new TypeConversionException("cannot read " + USERS + ": " + e.getMessage());
        }
        throw new TypeConversionException(
                "no user '%s' in %s; a numeric user ID works too".formatted(text, USERS));
    }

    /** Full names in an encoding of old are no reason to find nobody. */
    private static List<String> lines(Path file) throws IOException {
        return new String(Files.readAllBytes(file), StandardCharsets.UTF_8).lines().toList();
    }
}
