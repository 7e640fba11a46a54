package dev.ublk4j.layers;

import dev.ublk4j.linux.internal.TimeText;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;

/**
 * How long something takes: a time, or times by their percentiles as they have been measured, with
 * those between two percentiles on a straight line. {@code ublk4j stat} and fio print such tables.
 */
public final class LatencyTable {
    private static final double WHOLE = 100;

    private final double[] percentiles;
    private final long[] nanos;

    private LatencyTable(NavigableMap<Double, Duration> points) {
        percentiles = points.keySet().stream().mapToDouble(Double::doubleValue).toArray();
        nanos = points.values().stream().mapToLong(LatencyTable::nanos).toArray();
        for (int i = 0; i < nanos.length; i++) {
            if (percentiles[i] < 0 || percentiles[i] > WHOLE) {
                throw new IllegalArgumentException(
                        "a percentile is from 0 to 100: " + percentiles[i]);
            }
            if (nanos[i] < 0) {
                throw new IllegalArgumentException("a time is negative");
            }
            if (i > 0 && nanos[i] < nanos[i - 1]) {
                throw new IllegalArgumentException(
                        "a higher percentile is no shorter time: p%s is %s, and p%s is %s"
                                .formatted(
                                        number(percentiles[i - 1]),
                                        TimeText.of(nanos[i - 1]),
                                        number(percentiles[i]),
                                        TimeText.of(nanos[i])));
            }
        }
    }

    /**
     * {@return always the same time}
     *
     * @throws IllegalArgumentException for a negative one
     */
    public static LatencyTable of(Duration time) {
        return new LatencyTable(new TreeMap<>(Map.of(WHOLE, time)));
    }

    /**
     * {@return times by their percentiles, from 0 to 100} Below the first percentile it is that
     * one's time, above the last one that one's.
     *
     * @throws IllegalArgumentException for none, a percentile that cannot be, or times that do not
     *     rise
     */
    public static LatencyTable ofPercentiles(Map<Double, Duration> points) {
        if (points.isEmpty()) {
            throw new IllegalArgumentException("a table of latency has one percentile at least");
        }
        return new LatencyTable(new TreeMap<>(points));
    }

    /** {@return a time in nanoseconds, or 292 years where it is longer} */
    private static long nanos(Duration time) {
        if (time.isNegative()) {
            return -1;
        }
        return time.toSeconds() < Long.MAX_VALUE / 1_000_000_000 ? time.toNanos() : Long.MAX_VALUE;
    }

    /**
     * {@return what a text says, as {@link #toString} writes it: {@code 5ms}, or {@code
     * p50:200us/p99:5ms/max:40ms}}
     *
     * @throws IllegalArgumentException when it says none
     */
    public static LatencyTable parse(String text) {
        if (text.indexOf(':') < 0) {
            return of(TimeText.parse(text));
        }
        NavigableMap<Double, Duration> points = new TreeMap<>();
        for (String point : text.split("/", -1)) {
            int colon = point.indexOf(':');
            String name = point.substring(0, Math.max(colon, 0)).strip().toLowerCase(Locale.ROOT);
            points.put(percentile(name, text), TimeText.parse(point.substring(colon + 1)));
        }
        return ofPercentiles(points);
    }

    private static double percentile(String name, String text) {
        if (name.equals("max")) {
            return WHOLE;
        }
        if (!name.matches("p\\d{1,3}(\\.\\d{1,6})?")) {
            throw new IllegalArgumentException(
                    "'%s' is no table of latency; write it like p50:200us/p99:5ms/max:40ms"
                            .formatted(text));
        }
        return Double.parseDouble(name.substring(1));
    }

    /**
     * {@return the time at a place of the distribution, in nanoseconds}
     *
     * @param place from 0 to 1
     */
    long nanosAt(double place) {
        double percentile = place * WHOLE;
        int above = 0;
        while (above < percentiles.length && percentiles[above] < percentile) {
            above++;
        }
        if (above == 0) {
            return nanos[0];
        }
        if (above == percentiles.length) {
            return nanos[above - 1];
        }
        double share =
                (percentile - percentiles[above - 1])
                        / (percentiles[above] - percentiles[above - 1]);
        return nanos[above - 1] + (long) (share * (nanos[above] - nanos[above - 1]));
    }

    private static String number(double percentile) {
        return percentile == Math.rint(percentile)
                ? Long.toString((long) percentile)
                : Double.toString(percentile);
    }

    /** {@return a text of which {@link #parse} makes the same} */
    @Override
    public String toString() {
        if (nanos.length == 1) {
            return TimeText.of(nanos[0]);
        }
        List<String> points = new ArrayList<>();
        for (int i = 0; i < nanos.length; i++) {
            String name = percentiles[i] == WHOLE ? "max" : "p" + number(percentiles[i]);
            points.add(name + ":" + TimeText.of(nanos[i]));
        }
        return String.join("/", points);
    }
}
