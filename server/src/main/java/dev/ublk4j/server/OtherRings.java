package dev.ublk4j.server;

import dev.ublk4j.driver.spi.CharDevice;
import dev.ublk4j.uapi.DeviceInfo;
import dev.ublk4j.uapi.Feature;
import dev.ublk4j.uapi.wire.IoCommand;
import dev.ublk4j.uring.Ring;

/**
 * Registers the pages of requests with rings that are not the queue's, such as those of a target's
 * own threads ({@code UBLK_F_BUF_REG_OFF_DAEMON}). On the thread of that ring.
 */
final class OtherRings {
    private final CharDevice charDevice;
    private final ServedTags tags;
    private final boolean supported;

    OtherRings(CharDevice charDevice, DeviceInfo info, ServedTags tags) {
        this.charDevice = charDevice;
        this.tags = tags;
        this.supported = Feature.BUF_REG_OFF_DAEMON.in(info.flags());
    }

    void register(Ring ring, int tag, int slot, long userData) {
        send(IoCommand.UBLK_U_IO_REGISTER_IO_BUF, ring, tag, slot, userData);
    }

    void unregister(Ring ring, int tag, int slot, long userData) {
        send(IoCommand.UBLK_U_IO_UNREGISTER_IO_BUF, ring, tag, slot, userData);
    }

    private void send(int commandOp, Ring ring, int tag, int slot, long userData) {
        if (!supported) {
            throw new UnsupportedOperationException(
                    "this driver registers pages with the queue's ring only; Linux %s and newer do so with any"
                            .formatted(Feature.BUF_REG_OFF_DAEMON.since()));
        }
        charDevice.pages(ring, commandOp, tags.queue(tag), tags.tagInQueue(tag), slot, userData);
    }
}
