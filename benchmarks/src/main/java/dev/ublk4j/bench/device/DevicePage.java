package dev.ublk4j.bench.device;

import dev.ublk4j.bench.device.Turns.Turn;
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
 * Makes the section about whole devices of {@code docs/performance.md}, and its picture, of what
 * {@code benchmarks/device} has measured.
 */
public final class DevicePage {
    private static final String PEER = "kublk";
    private static final String OURS = "ublk4j";

    private static final int BAR = 16;
    private static final int LABELS = 260;
    private static final int UNIT = 300;
    private static final double LONGEST = 2.0;

    private final Map<String, String> facts = new LinkedHashMap<>();

    /** By case, load and side. */
    private final Map<String, Map<String, Map<String, Turns>>> cases = new LinkedHashMap<>();

    /** Nanoseconds of the server's processor time for each request, by case, load and side. */
    private final Map<String, Double> costs = new LinkedHashMap<>();

    /** Microseconds of add, list and del in each round, by side. */
    private final Map<String, List<double[]>> starts = new LinkedHashMap<>();

    /** Case, side, KiB resident and threads, each line of them. */
    private final List<String[]> memories = new ArrayList<>();

    private DevicePage(List<String> lines) {
        for (String line : lines) {
            String[] words = line.split("\t", -1);
            if (line.startsWith("# ")) {
                facts.put(words[0].substring(2), words[1]);
            } else if (words[0].equals("start")) {
                starts.computeIfAbsent(words[1], _ -> new ArrayList<>())
                        .add(
                                new double[] {
                                    Double.parseDouble(words[3]),
                                    Double.parseDouble(words[4]),
                                    Double.parseDouble(words[5])
                                });
            } else if (words[0].equals("memory")) {
                memories.add(words);
            } else if (words[0].equals("cpu")) {
                double requests = Math.max(1, Double.parseDouble(words[4]));
                costs.put(
                        key(words[1], words[3], words[2]), Double.parseDouble(words[5]) / requests);
            } else {
                cases.computeIfAbsent(words[0], _ -> new LinkedHashMap<>())
                        .computeIfAbsent(words[2], _ -> new LinkedHashMap<>())
                        .computeIfAbsent(words[1], Turns::new)
                        .turns()
                        .add(
                                new Turn(
                                        Integer.parseInt(words[3]),
                                        Double.parseDouble(words[4]),
                                        Double.parseDouble(words[5]),
                                        Double.parseDouble(words[6]),
                                        Double.parseDouble(words[7])));
            }
        }
    }

    /**
     * Makes the section.
     *
     * @param arguments what was measured, and the folder of the documentation
     */
    public static void main(String[] arguments) throws IOException {
        DevicePage section = new DevicePage(Files.readAllLines(Path.of(arguments[0])));
        Path docs = Path.of(arguments[1]);
        PageSection.replace(docs.resolve("performance.md"), "device", section.markdown());
        Files.writeString(docs.resolve("performance-device.svg"), section.svg());
    }

    private static String key(String what, String load, String side) {
        return what + "\t" + load + "\t" + side;
    }

    private String fact(String name) {
        return Objects.requireNonNullElse(facts.get(name), "?");
    }

    private String markdown() {
        StringBuilder text = new StringBuilder();
        text.append(
                format(
                        """
                        Measured by `./bench device --line %s` on %s, on %s (user-mode Linux, %s processor) of a machine with %s, whose load \
                        was %s before; %s on OpenJDK %s, kublk of Linux %s, %s. All devices of a case are there at a time, and \
                        take turns of %s ms, %s each.

                        **Ratio** is our speed over that of the peer: of the best turn of both, which nothing else on the machine \
                        has held up, and the median of all rounds with its quartiles, which on a busy machine says little. \
                        Processor time is the server's alone, for each request. User-mode Linux makes a system call cost some 6 us \
                        and a look at the clock a system call: compare the ratios, and take none for that of another machine.

                        ![ratios of best turns](performance-device.svg)

                        | case | load | depth | peer | ratio, best | ratio, median (quartiles) | ublk4j, IOPS | peer, IOPS \
                        | ublk4j, us | peer, us |
                        |---|---|--:|---|--:|--:|--:|--:|--:|--:|
                        """,
                        fact("line"),
                        fact("date"),
                        fact("kernel"),
                        fact("processors"),
                        fact("machine"),
                        fact("load"),
                        fact("ublk4j"),
                        fact("java"),
                        fact("kublk"),
                        fact("client"),
                        fact("turn"),
                        fact("rounds")));
        cases.forEach((what, loads) ->
                loads.forEach((load, sides) -> {
                    Turns ours = sides.get(OURS);
                    if (ours != null) {
                        sides.values().stream()
                                .filter(each -> each != ours)
                                .forEach(peer -> text.append(row(what, load, ours, peer)));
                    }
                }));
        text.append(
                """

                Latency at depth 1, in us, the median of the turns' own figures, and of the fastest turn:

                | case | load | server | p50 | p99 | p99.9 | p50, fastest |
                |---|---|---|--:|--:|--:|--:|
                """);
        cases.forEach((what, loads) ->
                loads.forEach((load, sides) ->
                        sides.values().stream()
                                .filter(each -> each.best().p50() > 0)
                                .forEach(each -> text.append(latency(what, load, each)))));
        if (!starts.isEmpty()) {
            text.append(
                    """

                    Commands for a null device, in ms, median of five; a page that is touched first costs some 20 us here:

                    | server | add, until live | list | del |
                    |---|--:|--:|--:|
                    """);
            starts.forEach((side, rounds) ->
                    text.append(
                            format(
                                    "| %s | %.0f | %.0f | %.0f |%n",
                                    side,
                                    millis(rounds, 0),
                                    millis(rounds, 1),
                                    millis(rounds, 2))));
        }
        if (!memories.isEmpty()) {
            text.append(
                    """

                    A server after these loads:

                    | case | server | resident, MiB | threads |
                    |---|---|--:|--:|
                    """);
            for (String[] words : memories) {
                text.append(
                        format(
                                "| %s | %s | %.1f | %s |%n",
                                words[1], words[2], Double.parseDouble(words[3]) / 1024, words[4]));
            }
        }
        return text.append("\n").toString();
    }

    /** {@return the middle of one figure of all rounds, in milliseconds} */
    private static double millis(List<double[]> rounds, int figure) {
        List<Double> rising = rounds.stream().map(round -> round[figure]).sorted().toList();
        return Turns.quantile(rising, 0.5) / 1000;
    }

    private String row(String what, String load, Turns ours, Turns peer) {
        String[] words = load.split(":", -1);
        List<Double> ratios = ours.ratios(peer);
        return format(
                "| %s | %s %s | %s | %s | %.2f | %.2f (%.2f to %.2f) | %.0f | %.0f | %s | %s |%n",
                what,
                words[0],
                words[1],
                words[2],
                peer.side(),
                ours.best().iops() / peer.best().iops(),
                Turns.quantile(ratios, 0.5),
                Turns.quantile(ratios, 0.25),
                Turns.quantile(ratios, 0.75),
                ours.best().iops(),
                peer.best().iops(),
                cost(what, load, ours),
                cost(what, load, peer));
    }

    private String cost(String what, String load, Turns side) {
        double nanos = Objects.requireNonNullElse(costs.get(key(what, load, side.side())), 0.0);
        return nanos == 0 ? "-" : format("%.1f", nanos / 1000);
    }

    private static String latency(String what, String load, Turns side) {
        return format(
                "| %s | %s | %s | %.1f | %.1f | %.1f | %.1f |%n",
                what,
                load.replace(':', ' '),
                side.side(),
                side.median(Turn::p50) / 1000,
                side.median(Turn::p99) / 1000,
                side.median(Turn::p999) / 1000,
                side.turns().stream().mapToDouble(Turn::p50).min().orElse(0) / 1000);
    }

    /** {@return a bar for each case and load, as long as the ratio of the best turns to kublk's} */
    private String svg() {
        List<String> bars = new ArrayList<>();
        cases.forEach((what, loads) ->
                loads.forEach((load, sides) -> {
                    Turns ours = sides.get(OURS);
                    Turns peer = sides.get(PEER);
                    if (ours != null && peer != null) {
                        double ratio = ours.best().iops() / peer.best().iops();
                        bars.add(bar(bars.size(), what + ", " + load.replace(':', ' '), ratio));
                    }
                }));
        int height = (bars.size() + 2) * (BAR + 6);
        int one = LABELS + UNIT;
        return format(
                        """
                        <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %1$d %2$d" width="%1$d" height="%2$d" \
                        font-family="sans-serif" font-size="12">
                        <rect width="100%%" height="100%%" fill="white"/>
                        <text x="10" y="16">IOPS of ublk4j over those of kublk, best turns</text>
                        """,
                        (int) (LABELS + LONGEST * UNIT + 60), height)
                + String.join("", bars)
                + format(
                        "<line x1=\"%1$d\" y1=\"24\" x2=\"%1$d\" y2=\"%2$d\" stroke=\"black\"/>%n</svg>%n",
                        one, height - 6);
    }

    private static String bar(int index, String label, double ratio) {
        int y = 28 + index * (BAR + 6);
        int width = (int) (Math.min(ratio, LONGEST) * UNIT);
        return format(
                """
                <text x="%d" y="%d" text-anchor="end">%s</text>
                <rect x="%d" y="%d" width="%d" height="%d" fill="%s"/>
                <text x="%d" y="%d">%.2f</text>
                """,
                LABELS - 8,
                y + 12,
                label,
                LABELS,
                y,
                width,
                BAR,
                ratio >= 1 ? "#2ca02c" : "#1f77b4",
                LABELS + width + 4,
                y + 12,
                ratio);
    }

    private static String format(String format, Object... arguments) {
        return String.format(Locale.ROOT, format, arguments);
    }
}
