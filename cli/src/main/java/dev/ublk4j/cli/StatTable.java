package dev.ublk4j.cli;

import dev.ublk4j.cli.output.Table;
import dev.ublk4j.cli.serve.DeviceStat;
import dev.ublk4j.cli.serve.ServedName;
import dev.ublk4j.server.DeviceStatistics;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** What devices do from one look to the next, a line each. */
final class StatTable {
    private static final String[] HEADINGS = {
        "ID", "READ/s", "WRITE/s", "OTHER/s", "SHARED/s", "COPIED/s", "FAILED", "IN USE", "P99"
    };

    private final double seconds;
    private final Map<ServedName, DeviceStatistics> before = new HashMap<>();

    /**
     * Begins.
     *
     * @param interval from one look to the next
     */
    StatTable(Duration interval) {
        this.seconds = interval.toMillis() / 1000.0;
    }

    /** Prints what has been done since the last call; the first shows the devices, at rest. */
    void print(List<DeviceStat> stats, PrintWriter out) {
        Table table = new Table(HEADINGS);
        for (DeviceStat stat : stats) {
            DeviceStatistics now = stat.done();
            DeviceStatistics then = before.getOrDefault(stat.name(), now);
            before.put(stat.name(), now);
            long reads = more(now, then, "read");
            long writes = more(now, then, "write");
            table.row(
                    stat.name().toString(),
                    rate(reads),
                    rate(writes),
                    rate(all(now) - all(then) - reads - writes),
                    bytes(now.data().sharedBytes() - then.data().sharedBytes()),
                    bytes(now.data().copiedBytes() - then.data().copiedBytes()),
                    Long.toString(now.failed() - then.failed()),
                    "%d/%d".formatted(now.out(), now.slots()),
                    StatText.time(now.latency().p99Nanos()));
        }
        table.print(out);
        out.flush();
    }

    private static long more(DeviceStatistics now, DeviceStatistics then, String operation) {
        return now.operations().getOrDefault(operation, 0L)
                - then.operations().getOrDefault(operation, 0L);
    }

    private static long all(DeviceStatistics statistics) {
        return statistics.operations().values().stream().mapToLong(Long::longValue).sum();
    }

    private String rate(long count) {
        return Long.toString(Math.round(count / seconds));
    }

    private String bytes(long count) {
        return ByteSize.format(Math.round(count / seconds));
    }
}
