package dev.ublk4j.server;

import dev.ublk4j.driver.control.Control;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.linux.internal.ThreadAffinity;
import dev.ublk4j.server.spi.QueueGuests;
import dev.ublk4j.uapi.DeviceInfo;
import java.lang.System.Logger.Level;
import java.util.BitSet;

/** Puts the threads of a device's queues on processors; see {@link QueueAffinity}. */
final class Placement {
    private static final System.Logger LOG = System.getLogger(Placement.class.getName());

    private final Control control;
    private final DeviceInfo info;
    private final Target target;

    Placement(Control control, DeviceInfo info, Target target) {
        this.control = control;
        this.info = info;
        this.target = target;
    }

    /**
     * Puts the calling thread where that which serves some tags belongs. Where that is not one
     * queue, the driver maps no processors to it.
     *
     * <p>What was asked for is done or thrown; the spreading that nobody asked for is left out
     * where the machine does not allow it.
     *
     * @throws LinuxException {@code EINVAL} when the process may not use any of the processors
     */
    void place(ServedTags tags) {
        int queue = tags.thread();
        QueueAffinity asked = target.ability(QueueAffinity.class);
        if (asked != null) {
            BitSet mapped =
                    tags.isOneQueue() ? control.affinity(info.deviceId(), queue) : new BitSet();
            BitSet processors = asked.processors(queue, mapped);
            if (!processors.isEmpty()) {
                ThreadAffinity.set(processors);
            }
            return;
        }
        // The requests of guests come from elsewhere, and one queue has them from everywhere.
        if (!tags.isOneQueue() || info.queues() == 1 || target.ability(QueueGuests.class) != null) {
            return;
        }
        try {
            BitSet mapped = control.affinity(info.deviceId(), queue);
            if (!mapped.isEmpty()) {
                ThreadAffinity.set(mapped);
            }
        } catch (LinuxException e) {
            LOG.log(
                    Level.DEBUG,
                    () -> "queue %d of device %d runs anywhere".formatted(queue, info.deviceId()),
                    e);
        }
    }
}
