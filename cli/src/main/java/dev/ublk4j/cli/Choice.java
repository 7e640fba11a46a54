package dev.ublk4j.cli;

import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/**
 * One of a few words, written in any case. How each is shown, in help, completion and messages, is
 * what {@link Object#toString} says: in lower case.
 */
abstract class Choice<E extends Enum<E>> implements ITypeConverter<E> {
    private final List<E> values;

    /** Chooses among the constants of a type. */
    Choice(Class<E> type) {
        values = List.of(type.getEnumConstants());
    }

    @Override
    public final E convert(String text) {
        return values.stream()
                .filter(value -> value.toString().equalsIgnoreCase(text))
                .findFirst()
                .orElseThrow(() -> unknown(text, values.stream().map(Object::toString)));
    }

    /** {@return what to say of a word that is none of those that there are} */
    static TypeConversionException unknown(String text, Stream<String> words) {
        return new TypeConversionException(
                "'%s' is not one of %s".formatted(text, words.collect(Collectors.joining(", "))));
    }
}
