package dev.ublk4j.cli;

import java.math.BigDecimal;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Sizes as a person writes them: 512, 4K, 1.5G; units are powers of 1024. */
final class ByteSize implements ITypeConverter<Long> {
    private static final String UNITS = "KMGTPE";

    private static final Pattern FORM =
            Pattern.compile("(\\d+(?:\\.\\d+)?)\\s*([KMGTPE]?)(?:I?B)?");

    /** Creates the converter; picocli does so. */
    ByteSize() {}

    @Override
    public Long convert(String text) {
        return parse(text);
    }

    /**
     * {@return the bytes that a text means}
     *
     * @throws TypeConversionException when it means none, or no positive whole number of them
     */
    static long parse(String text) {
        Matcher matcher = FORM.matcher(text.strip().toUpperCase(Locale.ROOT));
        if (!matcher.matches()) {
            throw new TypeConversionException(
                    "'" + text + "' is not a size; write it like 512, 4K, 1G");
        }
        int unit = matcher.group(2).isEmpty() ? 0 : UNITS.indexOf(matcher.group(2)) + 1;
        try {
            long bytes =
                    new BigDecimal(matcher.group(1))
                            .multiply(BigDecimal.valueOf(1L << (10 * unit)))
                            .longValueExact();
            if (bytes > 0) {
                return bytes;
            }
        } catch (ArithmeticException e) {
            throw new TypeConversionException(
                    "'" + text + "' is not a whole number of bytes below 8E");
        }
        throw new TypeConversionException("'" + text + "' is not a positive size");
    }

    /**
     * {@return the one of two that is there, if any is}
     *
     * @throws IllegalArgumentException when both are
     */
    static Optional<Long> once(@Nullable Long positional, @Nullable Long named) {
        if (positional != null && named != null) {
            throw new IllegalArgumentException("SIZE is given twice");
        }
        return Optional.ofNullable(positional == null ? named : positional);
    }

    /** {@return a text of which {@link #parse} makes the same bytes}: 1G, 1536M, 1000 */
    static String exact(long bytes) {
        long value = bytes;
        int unit = 0;
        while (value != 0 && value % 1024 == 0) {
            value /= 1024;
            unit++;
        }
        return unit == 0 ? Long.toString(value) : value + UNITS.substring(unit - 1, unit);
    }

    /** {@return bytes with the largest unit that leaves at most one decimal, such as 1.5G} */
    static String format(long bytes) {
        int unit = 0;
        double value = bytes;
        while (value >= 1024 && unit < UNITS.length()) {
            value /= 1024;
            unit++;
        }
        String number =
                value == Math.rint(value)
                        ? Long.toString((long) value)
                        : String.format(Locale.ROOT, "%.1f", value);
        return unit == 0 ? number : number + UNITS.charAt(unit - 1);
    }
}
