package dev.ublk4j.server;

import java.util.List;

/**
 * What a device has done: its requests with data, by how the data came.
 *
 * @param sharedRequests requests whose data lay in shared memory
 * @param sharedBytes bytes of those, which nobody copied
 * @param copiedRequests requests whose data the driver copied
 * @param copiedBytes bytes of those
 */
public record DeviceCounters(
        long sharedRequests, long sharedBytes, long copiedRequests, long copiedBytes) {
    static DeviceCounters sum(List<QueueCounters> queues) {
        DeviceCounters total = new DeviceCounters(0, 0, 0, 0);
        for (QueueCounters queue : queues) {
            total = total.plus(queue.read());
        }
        return total;
    }

    private DeviceCounters plus(DeviceCounters other) {
        return new DeviceCounters(
                sharedRequests + other.sharedRequests,
                sharedBytes + other.sharedBytes,
                copiedRequests + other.copiedRequests,
                copiedBytes + other.copiedBytes);
    }
}
