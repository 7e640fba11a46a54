package dev.ublk4j.bench.hour;

import dev.ublk4j.bench.page.PageSection;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;

/**
 * Makes the section about an hour of load of {@code docs/performance.md}, and its picture, of what
 * {@code benchmarks/hour} has seen.
 */
public final class HourPage {
    private static final String PICTURE = "performance-hour.svg";

    private static final int WIDTH = 560;
    private static final int HEIGHT = 220;
    private static final int LEFT = 60;
    private static final int TOP = 40;
    private static final List<String> COLORS = List.of("#1f77b4", "#2ca02c", "#ff7f0e", "#d62728");

    private final Map<String, String> facts = new LinkedHashMap<>();

    /** What a server held at one time. */
    private record Sample(int minute, double mebibytes, int threads, int descriptors) {}

    /** By device. */
    private final Map<String, List<Sample>> samples = new LinkedHashMap<>();

    /** The words of the lines that begin so, by device. */
    private final Map<String, String[]> took = new LinkedHashMap<>();

    private final Map<String, String[]> paused = new LinkedHashMap<>();

    private HourPage(List<String> lines) {
        for (String line : lines) {
            String[] words = line.split("\t", -1);
            switch (words[0]) {
                case "sample" ->
                        samples.computeIfAbsent(words[1], _ -> new ArrayList<>())
                                .add(
                                        new Sample(
                                                Integer.parseInt(words[2]),
                                                Double.parseDouble(words[3]) / 1024,
                                                Integer.parseInt(words[4]),
                                                Integer.parseInt(words[5])));
                case "took" -> took.put(words[1], words);
                case "paused" -> paused.put(words[1], words);
                default -> facts.put(words[0].substring(2), words[1]);
            }
        }
    }

    /**
     * Makes the section.
     *
     * @param arguments what was seen, and the folder of the documentation
     */
    public static void main(String[] arguments) throws IOException {
        HourPage section = new HourPage(Files.readAllLines(Path.of(arguments[0])));
        Path docs = Path.of(arguments[1]);
        PageSection.replace(docs.resolve("performance.md"), "hour", section.markdown());
        Files.writeString(docs.resolve(PICTURE), section.svg());
    }

    private String fact(String name) {
        return Objects.requireNonNullElse(facts.get(name), "?");
    }

    private String markdown() {
        StringBuilder text = new StringBuilder();
        text.append(
                format(
                        """
                        Measured by `./bench hour` on %s, for %s minutes on %s (user-mode Linux, 1 processor for all of it) of a \
                        machine with %s, whose load was %s before; OpenJDK %s, kublk of Linux %s, %s. Each device is read and \
                        written 500 times a second each, in 4 KiB at random places. kublk serves a file without a copy under the \
                        same load at the same time: what it has to wait for is not its own doing, either.

                        ![memory of the servers](%s)

                        | device | minute | resident, MiB | threads | descriptors |
                        |---|--:|--:|--:|--:|
                        """,
                        fact("date"),
                        fact("minutes"),
                        fact("kernel"),
                        fact("machine"),
                        fact("load"),
                        fact("java"),
                        fact("kublk"),
                        fact("client"),
                        PICTURE));
        samples.forEach((device, all) -> {
            int step = Math.max(1, all.getLast().minute() / 4);
            for (Sample sample : all) {
                if (sample.minute() % step == 0 || sample == all.getLast()) {
                    text.append(
                            format(
                                    "| %s | %d | %.1f | %d | %d |%n",
                                    device,
                                    sample.minute(),
                                    sample.mebibytes(),
                                    sample.threads(),
                                    sample.descriptors()));
                }
            }
        });
        text.append(
                """

                How long requests took, in ms, and for how long the JVM stopped its threads:

                | device | requests | p50 | p99 | p99.9 | p99.99 | longest | stops | for the collector | longest stop |
                |---|--:|--:|--:|--:|--:|--:|--:|--:|--:|
                """);
        took.forEach((device, words) -> {
            String[] stops = paused.get(device);
            text.append(
                    format(
                            "| %s | %s | %.2f | %.1f | %.1f | %.1f | %.1f | %s |%n",
                            device,
                            words[2],
                            millis(words[3]),
                            millis(words[4]),
                            millis(words[5]),
                            millis(words[6]),
                            millis(words[7]),
                            stops == null
                                    ? "- | - | -"
                                    : format(
                                            "%s | %s | %.1f",
                                            stops[2],
                                            stops[3],
                                            Double.parseDouble(stops[4]) / 1000)));
        });
        return text.append("\n").toString();
    }

    private static double millis(String nanos) {
        return Double.parseDouble(nanos) / 1e6;
    }

    /** {@return a line for each server: memory over time} */
    private String svg() {
        double most =
                1.2
                        * samples.values().stream()
                                .flatMap(List::stream)
                                .mapToDouble(Sample::mebibytes)
                                .max()
                                .orElse(1);
        StringBuilder svg = new StringBuilder();
        int bottom = TOP + HEIGHT;
        svg.append(
                format(
                        """
                        <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %1$d %2$d" width="%1$d" height="%2$d" \
                        font-family="sans-serif" font-size="12">
                        <rect width="100%%" height="100%%" fill="white"/>
                        <text x="%3$d" y="20">resident memory of the servers, MiB, by minute</text>
                        <rect x="%3$d" y="%4$d" width="%5$d" height="%6$d" fill="none" stroke="black"/>
                        <text x="%7$d" y="%8$d" text-anchor="end">0</text>
                        <text x="%7$d" y="%9$d" text-anchor="end">%10$.0f</text>
                        """,
                        LEFT + WIDTH + 150,
                        bottom + 40,
                        LEFT,
                        TOP,
                        WIDTH,
                        HEIGHT,
                        LEFT - 6,
                        bottom,
                        TOP + 10,
                        most));
        int index = 0;
        for (Map.Entry<String, List<Sample>> each : samples.entrySet()) {
            String color = COLORS.get(index++ % COLORS.size());
            double last = Math.max(1, each.getValue().getLast().minute());
            StringBuilder path = new StringBuilder();
            double y = bottom;
            for (Sample sample : each.getValue()) {
                y = bottom - sample.mebibytes() / most * HEIGHT;
                path.append(
                        format(
                                "%s%.1f %.1f",
                                path.isEmpty() ? "M" : " L",
                                LEFT + sample.minute() / last * WIDTH,
                                y));
            }
            svg.append(
                    format(
                            """
                            <path d="%s" fill="none" stroke="%s" stroke-width="2"/>
                            <text x="%d" y="%.0f" fill="%s">%s</text>
                            """,
                            path, color, LEFT + WIDTH + 8, y + 4, color, each.getKey()));
        }
        svg.append(
                format(
                        "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">%s</text>%n",
                        LEFT + WIDTH, bottom + 16, fact("minutes")));
        return svg.append("</svg>\n").toString();
    }

    private static String format(String format, Object... arguments) {
        return String.format(Locale.ROOT, format, arguments);
    }
}
