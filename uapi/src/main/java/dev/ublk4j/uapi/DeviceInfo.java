package dev.ublk4j.uapi;

import dev.ublk4j.uapi.wire.DeviceInfoLayout;
import java.util.Set;

/**
 * A {@link DeviceInfoLayout} read out of memory.
 *
 * @param queues number of queues
 * @param queueDepth tags of each queue
 * @param state see {@link DeviceState}
 * @param ioDescSize the field as it is; kernels before 7.3 do not fill it in, see {@link
 *     #descriptorStride}
 * @param maxIoBufBytes bytes of the largest request
 * @param deviceId device number, -1 to let ADD_DEV choose
 * @param serverPid process of the server
 * @param flags see {@link Feature}
 * @param serverFlags flags of the server's own
 * @param ownerUid user who owns the device, filled in by the driver
 * @param ownerGid group that owns the device, filled in by the driver
 */
public record DeviceInfo(
        int queues,
        int queueDepth,
        int state,
        int ioDescSize,
        int maxIoBufBytes,
        int deviceId,
        int serverPid,
        long flags,
        long serverFlags,
        int ownerUid,
        int ownerGid) {
    /** Of {@code struct ublksrv_io_desc}. */
    private static final int DESCRIPTOR_BYTES = 24;

    /**
     * {@return what ADD_DEV is asked for: the rest is 0}
     *
     * @param deviceId -1 to let the driver choose
     */
    public static DeviceInfo request(
            int deviceId, int queues, int queueDepth, int maxIoBufBytes, long flags) {
        return new DeviceInfo(queues, queueDepth, 0, 0, maxIoBufBytes, deviceId, 0, flags, 0, 0, 0);
    }

    /**
     * {@return bytes from one descriptor to the next}
     *
     * <p>The field of that name is only meant where {@link Feature#IO_DESC_SIZE} was granted. The
     * driver of Linux 7.3 fills it in without that too; before, it was padding, and comes back as
     * it was sent.
     */
    public int descriptorStride() {
        return Feature.IO_DESC_SIZE.in(flags) ? ioDescSize : DESCRIPTOR_BYTES;
    }

    /**
     * {@return the same with another distance of descriptors}
     *
     * @param bytes 24 to 256, a multiple of 8; meant with {@link Feature#IO_DESC_SIZE}
     */
    public DeviceInfo withDescriptorStride(int bytes) {
        return new DeviceInfo(
                queues,
                queueDepth,
                state,
                bytes,
                maxIoBufBytes,
                deviceId,
                serverPid,
                flags,
                serverFlags,
                ownerUid,
                ownerGid);
    }

    /** {@return the features that the flags have} */
    public Set<Feature> features() {
        return Feature.of(flags);
    }

    /** {@return the same device in another state} */
    public DeviceInfo withState(int newState) {
        return new DeviceInfo(
                queues,
                queueDepth,
                newState,
                ioDescSize,
                maxIoBufBytes,
                deviceId,
                serverPid,
                flags,
                serverFlags,
                ownerUid,
                ownerGid);
    }
}
