package dev.ublk4j.cli;

import dev.ublk4j.linux.internal.TimeText;
import java.time.Duration;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Times as options have them, read by {@link TimeText}. */
final class TimeSpan implements ITypeConverter<Duration> {
    /** Creates the converter; picocli does so. */
    TimeSpan() {}

    @Override
    public Duration convert(String text) {
        try {
            return TimeText.parse(text);
        } catch (IllegalArgumentException e) {
            throw new TypeConversionException(e.getMessage());
        }
    }
}
