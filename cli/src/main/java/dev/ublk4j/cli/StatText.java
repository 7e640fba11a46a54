package dev.ublk4j.cli;

import dev.ublk4j.cli.output.Visible;
import dev.ublk4j.cli.serve.DeviceStat;
import dev.ublk4j.cli.serve.ImageStat;
import dev.ublk4j.cli.serve.LegStat;
import dev.ublk4j.server.DeviceCounters;
import dev.ublk4j.server.DeviceStatistics;
import dev.ublk4j.server.Latency;
import dev.ublk4j.sharing.adopt.AdoptedProgram;
import dev.ublk4j.sharing.adopt.AdoptionState;
import java.io.PrintWriter;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;

/** The statistics of a device as a person reads them. */
final class StatText {
    private static final String LINE = "  %-12s %s%n";

    private StatText() {}

    static void print(DeviceStat stat, PrintWriter out) {
        DeviceStatistics done = stat.done();
        DeviceCounters data = done.data();
        out.printf("%s, %s%n", stat.name().text(), Visible.of(stat.target()));
        out.printf(LINE, "mode", Visible.of(stat.mode()));
        out.printf(LINE, "threads", done.threads());
        for (LegStat leg : stat.legs()) {
            String state = leg.state() == null ? "" : ", " + leg.state();
            out.printf(LINE, "leg " + leg.place(), Visible.of(leg.target()) + state);
        }
        for (ImageStat image : stat.images()) {
            out.printf(LINE, "image", Visible.of(image.text()));
        }
        out.printf(LINE, "requests", orNone(counts(done.operations())));
        out.printf(LINE, "failed", done.failed());
        if (done.lost() > 0) {
            out.printf(
                    LINE,
                    "lost buffer",
                    done.lost() + ", in memory that only a previous server had");
        }
        out.printf(LINE, "in use", "%d of %d".formatted(done.out(), done.slots()));
        out.printf(LINE, "shared", amount(data.sharedRequests(), data.sharedBytes()));
        out.printf(LINE, "copied", amount(data.copiedRequests(), data.copiedBytes()));
        if (data.registeredRequests() > 0) {
            out.printf(
                    LINE, "registered", amount(data.registeredRequests(), data.registeredBytes()));
        }
        if (data.copiedRequests() > 0) {
            out.printf(LINE, "not shared", notShared(stat));
        }
        printAdopted(stat.adopted(), out);
        out.printf(LINE, "latency", latency(done.latency()));
    }

    private static void printAdopted(AdoptionState adopted, PrintWriter out) {
        for (AdoptedProgram program : adopted.programs()) {
            out.printf(
                    LINE,
                    "adopted",
                    "%s of %s, process %d; %s, with %s open here"
                            .formatted(
                                    ByteSize.format(program.bytes()),
                                    Visible.of(program.name()),
                                    program.pid(),
                                    program.processes() == 1
                                            ? "1 process has it"
                                            : program.processes() + " processes have it",
                                    program.direct() + program.buffered() == 1
                                            ? "1 file"
                                            : program.direct() + program.buffered() + " files"));
            program.advice().forEach(line -> out.printf(LINE, "", line));
        }
        if (!adopted.programs().isEmpty()) {
            out.printf(
                    LINE,
                    "since then",
                    "%d requests shared, %d copied"
                            .formatted(adopted.sharedRequests(), adopted.copiedRequests()));
        }
    }

    private static String notShared(DeviceStat stat) {
        Map<String, Long> misses = stat.misses();
        if (misses == null) {
            return stat.done().data().copiedRequests() + ", the kernel does not report why";
        }
        return orNone(counts(misses));
    }

    private static String orNone(String text) {
        return text.isEmpty() ? "none" : text;
    }

    private static String counts(Map<String, Long> counts) {
        return counts.entrySet().stream()
                .filter(count -> count.getValue() > 0)
                .map(count -> count.getKey() + " " + count.getValue())
                .collect(Collectors.joining(", "));
    }

    private static String amount(long requests, long bytes) {
        return "%d requests, %s".formatted(requests, ByteSize.format(bytes));
    }

    private static String latency(Latency latency) {
        return latency.samples() == 0
                ? "unknown"
                : "median %s, 99th percentile %s, maximum %s, of %d samples"
                        .formatted(
                                time(latency.medianNanos()),
                                time(latency.p99Nanos()),
                                time(latency.maxNanos()),
                                latency.samples());
    }

    /** {@return a time with a unit that suits it} */
    static String time(long nanos) {
        if (nanos < 10_000) {
            return nanos + " ns";
        }
        if (nanos < 10_000_000) {
            return nanos / 1000 + " us";
        }
        return nanos < 10_000_000_000L
                ? nanos / 1_000_000 + " ms"
                : String.format(Locale.ROOT, "%.1f s", nanos / 1e9);
    }
}
