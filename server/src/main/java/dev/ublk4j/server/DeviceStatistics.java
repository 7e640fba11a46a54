package dev.ublk4j.server;

import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * What a server has done with a device's requests since it began to serve it.
 *
 * @param data how the data of reads and writes came
 * @param operations requests by operation, such as {@code write-zeroes}; those of which there were
 *     none are left out
 * @param failed requests that were answered with an error
 * @param lost requests that failed because their data is in a buffer of a former server, whose
 *     memory this one does not have
 * @param out requests that are with the server at the moment
 * @param slots how many could be: queues by depth
 * @param threads how many serve them
 * @param latency how long requests were with the server
 */
public record DeviceStatistics(
        DeviceCounters data,
        Map<String, Long> operations,
        long failed,
        long lost,
        long out,
        int slots,
        int threads,
        Latency latency) {
    static DeviceStatistics of(List<QueueCounters> queues, int slots) {
        Sum sum = new Sum();
        queues.forEach(queue -> queue.addTo(sum));
        return new DeviceStatistics(
                DeviceCounters.sum(queues),
                sum.operations,
                sum.failed,
                sum.lost,
                Math.clamp(sum.delivered - sum.committed, 0, slots),
                slots,
                queues.size(),
                Latency.of(sum.latency));
    }

    /** What several queues come to. */
    static final class Sum {
        final Map<String, Long> operations = new TreeMap<>();
        final long[] latency = new long[Latency.BUCKETS];
        long delivered;
        long committed;
        long failed;
        long lost;
    }
}
