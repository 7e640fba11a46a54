package dev.ublk4j.server;

import java.util.List;

/**
 * What a device has done: its requests with data, by how the data came.
 *
 * @param sharedRequests requests whose data lay in shared memory
 * @param sharedBytes bytes of those, which nobody copied
 * @param copiedRequests requests whose data the driver copied, or the server from the driver
 * @param copiedBytes bytes of those
 * @param registeredRequests requests whose data stayed with the driver, which registered it with
 *     the queue's io_uring ({@code UBLK_F_AUTO_BUF_REG})
 * @param registeredBytes bytes of those, which the driver did not copy
 */
public record DeviceCounters(
        long sharedRequests,
        long sharedBytes,
        long copiedRequests,
        long copiedBytes,
        long registeredRequests,
        long registeredBytes) {
    /** Counts of a device that registers nothing by itself. */
    public DeviceCounters(
            long sharedRequests, long sharedBytes, long copiedRequests, long copiedBytes) {
        this(sharedRequests, sharedBytes, copiedRequests, copiedBytes, 0, 0);
    }

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
                copiedBytes + other.copiedBytes,
                registeredRequests + other.registeredRequests,
                registeredBytes + other.registeredBytes);
    }
}
