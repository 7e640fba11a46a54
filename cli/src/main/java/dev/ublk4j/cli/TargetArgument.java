package dev.ublk4j.cli;

import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;
import java.util.function.Function;

/** What a target class may be given on the command line: the types, and how each is written. */
final class TargetArgument {
    private static final Map<Class<?>, Function<String, Object>> TYPES =
            Map.of(
                    String.class, text -> text,
                    Path.class, Path::of,
                    boolean.class, TargetArgument::flag,
                    int.class, TargetArgument::smallNumber,
                    long.class, TargetArgument::number);

    private TargetArgument() {}

    /** {@return whether a parameter of this type can be given} */
    static boolean isOfType(Class<?> type) {
        return TYPES.containsKey(type);
    }

    /**
     * {@return a value of a type that can be given}
     *
     * @throws RuntimeException with a message for a person, when the text means none
     */
    static Object parse(String text, Class<?> type) {
        Function<String, Object> parser = TYPES.get(type);
        if (parser == null) {
            throw new IllegalArgumentException("there is no " + type + " on a command line");
        }
        return parser.apply(text);
    }

    private static boolean flag(String text) {
        return switch (text.toLowerCase(Locale.ROOT)) {
            case "true" -> true;
            case "false" -> false;
            default -> throw new IllegalArgumentException("'" + text + "' is not true or false");
        };
    }

    private static int smallNumber(String text) {
        long number = number(text);
        if (number != (int) number) {
            throw new IllegalArgumentException("'" + text + "' does not fit into 32 bits");
        }
        return (int) number;
    }

    /** A plain number, or a size with its unit. */
    private static long number(String text) {
        return text.matches("-?\\d{1,18}") ? Long.parseLong(text) : ByteSize.parse(text);
    }
}
