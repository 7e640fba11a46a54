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

    private List<Mode> modes(String target) {
        return points.stream()
                .filter(point -> point.target().equals(target))
                .map(Point::mode)
                .distinct()
                .sorted()
                .toList();
    }

    private Point point(String target, boolean write, Mode mode, int block) {
        return points.stream()
                .filter(point -> point.target().equals(target))
                .filter(point -> point.write() == write && point.mode() == mode)
                .filter(point -> point.blockBytes() == block)
                .findFirst()
                .orElseThrow();
    }

    private Chart chart(String title, ToDoubleFunction<Point> value) {
        List<Chart.Panel> panels = new ArrayList<>();
        for (String target : targets()) {
            List<Chart.Curve> curves = new ArrayList<>();
            for (boolean write : new boolean[] {false, true}) {
                for (Mode mode : modes(target)) {
                    curves.add(curve(target, write, mode, value));
                }
            }
            panels.add(new Chart.Panel(target, curves));
        }
        return new Chart(title, panels);
    }

    private Chart.Curve curve(
            String target, boolean write, Mode mode, ToDoubleFunction<Point> value) {
        return new Chart.Curve(
                "%s, %s".formatted(write ? "write" : "read", mode.text),
                COLORS[write ? 1 : 0],
                mode.dashes,
                blocks(),
                blocks().stream()
                        .map(block -> value.applyAsDouble(point(target, write, mode, block)))
                        // A logarithmic axis has no 0.
                        .map(number -> Math.max(number, 1e-3))
                        .toList());
    }

    private String markdown() {
        StringBuilder page = new StringBuilder();
        page.append(
                """
                # What zero copy gains, by the size of a request

                Measured by `./bench shmem` on %s; %s; processors: %s. fio issues random reads and writes at \
                depth 8, with its buffers in huge pages of hugetlbfs in every mode; each figure covers %s or more. The server \
                has one queue and one thread; the file is on %s. An emulated processor (QEMU TCG) copies memory slowly, as it \
                does everything: compare the ratios, and run the benchmark on your own machine.

                ![throughput](shmem-throughput.svg)

                ![processor time](shmem-cpu.svg)

                - **copy**: the driver copies each request to or from a buffer of the server, which the target works on.
                - **user copy** (`add -u`): the server copies the data itself with a system call. A memory target copies it \
                straight to or from its own memory, once in all; a file still needs a buffer.
                - **registered** (`add -z`): the driver registers the application's pages with the queue's io_uring. Only for \
                targets that do not look at the data: null and file.
                - **shared** (`add --shmem`): the application shares its memory once, and requests in it are not copied.

                The null target never asks for its data, so only **copy** costs it anything.

                """
                        .formatted(
                                facts.get("date"),
                                facts.get("kernel"),
                                facts.get("cpu"),
                                facts.get("window"),
                                facts.get("file system")));
        for (String target : targets()) {
            for (boolean write : new boolean[] {false, true}) {
                table(page, target, write);
            }
        }
        verdict(page);
        return page.toString();
    }

    private void table(StringBuilder page, String target, boolean write) {
        List<Mode> modes = modes(target);
        page.append("## %s, %s\n\n".formatted(target, write ? "writes" : "reads"));
        page.append("MiB/s, in brackets as a multiple of **copy**:\n\n| block |");
        modes.forEach(mode -> page.append(" %s |".formatted(mode.text)));
        page.append(" hits |\n|---:|" + "---:|".repeat(modes.size() + 1) + "\n");
        for (int block : blocks()) {
            page.append("| %s |".formatted(Chart.size(block)));
            double copied = point(target, write, Mode.COPY, block).mibPerSecond();
            for (Mode mode : modes) {
                double speed = point(target, write, mode, block).mibPerSecond();
                page.append(
                        mode == Mode.COPY
                                ? format(" %.0f |", speed)
                                : format(" %.0f (%.2f) |", speed, speed / copied));
            }
            Point shared = point(target, write, Mode.SHARED, block);
            page.append(format(" %.0f %% |\n", 100.0 * shared.hits() / shared.requests()));
        }
        page.append(
                "\nProcessor seconds per GiB; in brackets the parts of the server and of the client:\n\n");
        page.append("| block |");
        modes.forEach(mode -> page.append(" %s |".formatted(mode.text)));
        page.append("\n|---:|" + "---:|".repeat(modes.size()) + "\n");
        for (int block : blocks()) {
            page.append("| %s |".formatted(Chart.size(block)));
            modes.forEach(mode -> page.append(cpu(point(target, write, mode, block))));
            page.append("\n");
        }
        page.append("\n");
    }

    private static String cpu(Point point) {
        return format(
                " %.2f (%.2f + %.2f) |",
                point.cpuPerGib(), point.serverCpuPerGib(), point.clientCpuPerGib());
    }

    private static String format(String format, Object... arguments) {
        return String.format(Locale.ROOT, format, arguments);
    }

    /** Says where it does not pay. */
    private void verdict(StringBuilder page) {
        page.append("## Where sharing memory does not pay\n\n");
        List<String> useless = new ArrayList<>();
        for (String target : targets()) {
            for (boolean write : new boolean[] {false, true}) {
                for (int block : blocks()) {
                    Point shared = point(target, write, Mode.SHARED, block);
                    for (Mode mode : modes(target)) {
                        Point other = point(target, write, mode, block);
                        if (isRival(mode, target) && !pays(shared, other)) {
                            useless.add(sentence(shared, other));
                        }
                    }
                }
            }
        }
        if (useless.isEmpty()) {
            page.append(
                    "In every row of these tables it is more than 5 % faster, or costs more than 5 % less processor time.\n");
        } else {
            page.append("It is neither more than 5 % faster nor more than 5 % cheaper for:\n\n");
            useless.forEach(page::append);
        }
    }

    /**
     * With null nobody asks for the data, so that there is no way to get it that costs anything.
     */
    private static boolean isRival(Mode mode, String target) {
        return mode == Mode.COPY || (mode != Mode.SHARED && !target.equals("null"));
    }

    private static boolean pays(Point shared, Point other) {
        return shared.mibPerSecond() > WORTH * other.mibPerSecond()
                || other.cpuPerGib() > WORTH * shared.cpuPerGib();
    }

    private static String sentence(Point shared, Point other) {
        return format(
                "- %s of %s on %s, compared with %s: %.2f times the throughput, %.2f times the processor"
                        + " time\n",
                shared.write() ? "writes" : "reads",
                Chart.size(shared.blockBytes()),
                shared.target(),
                other.mode().text,
                shared.mibPerSecond() / other.mibPerSecond(),
                shared.cpuPerGib() / other.cpuPerGib());
    }
}
