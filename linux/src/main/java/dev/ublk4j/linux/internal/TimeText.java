package dev.ublk4j.linux.internal;

import java.math.BigDecimal;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Times as a person writes them: 5ms, 1.5s, 200us; with a unit, except for 0. */
public final class TimeText {
    private static final Pattern FORM = Pattern.compile("(\\d{1,9}(?:\\.\\d{1,9})?)\\s*([a-zµ]+)");

    private static final Map<String, Long> NANOS =
            Map.of(
                    "ns", 1L,
                    "us", 1_000L,
                    "µs", 1_000L,
                    "ms", 1_000_000L,
                    "s", 1_000_000_000L,
                    "min", 60_000_000_000L);

    private TimeText() {}

    /**
     * {@return the time that a text means}
     *
     * @throws IllegalArgumentException when it means none
     */
    public static Duration parse(String text) {
        String plain = text.strip().toLowerCase(Locale.ROOT);
        if (plain.equals("0")) {
            return Duration.ZERO;
        }
        Matcher form = FORM.matcher(plain);
        Long unit = form.matches() ? NANOS.get(form.group(2)) : null;
        if (unit == null) {
            throw new IllegalArgumentException(
                    "'" + text + "' is no time; write it like 5ms, 200us, 1.5s");
        }
        return Duration.ofNanos(
                new BigDecimal(form.group(1)).multiply(BigDecimal.valueOf(unit)).longValue());
    }

    /** {@return a text of which {@link #parse} makes the same time} */
    public static String of(long nanos) {
        if (nanos == 0) {
            return "0";
        }
        for (String unit : List.of("s", "ms", "us")) {
            long each = NANOS.getOrDefault(unit, 1L);
            if (nanos % each == 0) {
                return nanos / each + unit;
            }
        }
        return nanos + "ns";
    }
}
