package dev.ublk4j.bench.curve;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.ToDoubleFunction;

/** Makes a page of Markdown, and two pictures, of what {@link CurveRun} has measured. */
public final class CurvePage {
    /** Gains below this are within what two runs differ by. */
    private static final double WORTH = 1.05;

    private static final String[] COLORS = {"#1f77b4", "#d62728"};

    private final Map<String, String> facts = new LinkedHashMap<>();
    private final List<Point> points = new ArrayList<>();

    private CurvePage(List<String> lines) {
        for (String line : lines) {
            if (line.startsWith("# ")) {
                String[] fact = line.substring(2).split("\t", 2);
                facts.put(fact[0], fact[1]);
            } else {
                points.add(Point.of(line));
            }
        }
    }

    /**
     * Makes the page.
     *
     * @param arguments what was measured, and the folder to write to
     */
    public static void main(String[] arguments) throws IOException {
        CurvePage page = new CurvePage(Files.readAllLines(Path.of(arguments[0])));
        Path folder = Path.of(arguments[1]);
        Files.writeString(folder.resolve("shmem-curve.md"), page.markdown());
        Files.writeString(
                folder.resolve("shmem-throughput.svg"),
                page.chart("Throughput, MiB/s", Point::mibPerSecond).svg());
        Files.writeString(
                folder.resolve("shmem-cpu.svg"),
                page.chart("Processor time of the whole machine, s per GiB", Point::cpuPerGib)
                        .svg());
    }

    private List<String> targets() {
        return points.stream().map(Point::target).distinct().toList();
    }

    private List<Integer> blocks() {
        return points.stream().map(Point::blockBytes).distinct().sorted().toList();
    }

    private Point point(String target, boolean write, boolean shared, int block) {
        return points.stream()
                .filter(point -> point.target().equals(target))
                .filter(point -> point.write() == write && point.shared() == shared)
                .filter(point -> point.blockBytes() == block)
                .findFirst()
                .orElseThrow();
    }

    private Chart chart(String title, ToDoubleFunction<Point> value) {
        List<Chart.Panel> panels = new ArrayList<>();
        for (String target : targets()) {
            List<Chart.Curve> curves = new ArrayList<>();
            for (boolean write : new boolean[] {false, true}) {
                for (boolean shared : new boolean[] {false, true}) {
                    curves.add(
                            new Chart.Curve(
                                    "%s, %s"
                                            .formatted(
                                                    write ? "write" : "read",
                                                    shared ? "zero copy" : "copy"),
                                    COLORS[write ? 1 : 0],
                                    !shared,
                                    blocks(),
                                    blocks().stream()
                                            .map(block ->
                                                    value.applyAsDouble(
                                                            point(
                                                                    target, write,
                                                                    shared, block)))
                                            // A logarithmic axis has no 0.
                                            .map(number -> Math.max(number, 1e-3))
                                            .toList()));
                }
            }
            panels.add(new Chart.Panel(target, curves));
        }
        return new Chart(title, panels);
    }

    private String markdown() {
        StringBuilder page = new StringBuilder();
        page.append(
                """
                # What zero copy gains, by the size of a request

                Made by `./bench shmem` on %s, kernel: %s, processors: %s. Random reads and writes \
                of fio at depth 8, with its data in huge pages of hugetlbfs either way; each figure \
                is of a window of %s or more. The server is one queue, one thread. An emulated processor \
                (QEMU TCG) copies memory as slowly as it does everything: read the ratios, and run \
                it on your own machine.

                ![throughput](shmem-throughput.svg)

                ![processor time](shmem-cpu.svg)

                User copy and automatic buffer registration are not in the tables, because this \
                server has neither.

                """
                        .formatted(
                                facts.get("date"),
                                facts.get("kernel"),
                                facts.get("cpu"),
                                facts.get("window")));
        for (String target : targets()) {
            for (boolean write : new boolean[] {false, true}) {
                table(page, target, write);
            }
        }
        verdict(page);
        return page.toString();
    }

    private void table(StringBuilder page, String target, boolean write) {
        page.append("## %s, %s\n\n".formatted(target, write ? "writes" : "reads"));
        page.append(
                """
                | block | copy MiB/s | zero copy MiB/s | gain | copy CPU s/GiB (server + client) \
                | zero copy CPU s/GiB (server + client) | hits |
                |---:|---:|---:|---:|---:|---:|---:|
                """);
        for (int block : blocks()) {
            Point copied = point(target, write, false, block);
            Point shared = point(target, write, true, block);
            page.append(
                    String.format(
                            Locale.ROOT,
                            "| %s | %.0f | %.0f | %.2f | %s | %s | %.0f %% |%n",
                            Chart.size(block),
                            copied.mibPerSecond(),
                            shared.mibPerSecond(),
                            shared.mibPerSecond() / copied.mibPerSecond(),
                            cpu(copied),
                            cpu(shared),
                            100.0 * shared.hits() / Math.max(1, shared.requests())));
        }
        page.append("\n");
    }

    private static String cpu(Point point) {
        return String.format(
                Locale.ROOT,
                "%.2f (%.2f + %.2f)",
                point.cpuPerGib(),
                point.serverCpuPerGib(),
                point.clientCpuPerGib());
    }

    /** Says where it does not pay. */
    private void verdict(StringBuilder page) {
        page.append("## Where zero copy does not pay\n\n");
        List<String> useless = new ArrayList<>();
        for (String target : targets()) {
            for (boolean write : new boolean[] {false, true}) {
                for (int block : blocks()) {
                    Point copied = point(target, write, false, block);
                    Point shared = point(target, write, true, block);
                    boolean faster = shared.mibPerSecond() > WORTH * copied.mibPerSecond();
                    boolean cheaper = copied.cpuPerGib() > WORTH * shared.cpuPerGib();
                    if (!faster && !cheaper) {
                        useless.add(
                                String.format(
                                        Locale.ROOT,
                                        "- %s of %s on %s: %.2f times the throughput, %.2f times"
                                                + " the processor time%n",
                                        write ? "writes" : "reads",
                                        Chart.size(block),
                                        target,
                                        shared.mibPerSecond() / copied.mibPerSecond(),
                                        shared.cpuPerGib() / copied.cpuPerGib()));
                    }
                }
            }
        }
        if (useless.isEmpty()) {
            page.append("Everywhere in these tables it is faster, or costs less, by over 5 %.\n");
        } else {
            page.append("It is neither faster by over 5 % nor cheaper by as much for:\n\n");
            useless.forEach(page::append);
        }
    }
}
