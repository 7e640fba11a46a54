package dev.ublk4j.embedded.features;

import dev.ublk4j.uapi.Feature;
import dev.ublk4j.uapi.wire.DeviceInfoLayout;
import java.lang.foreign.MemorySegment;

/** What {@code ADD_DEV} has settled about a device; it never changes. */
public final class DeviceDescription {
    private final MemorySegment info;
    private final long flags;
    private final int queues;
    private final int depth;
    private final int descriptorBytes;

    /** Takes over a {@code struct ublksrv_ctrl_dev_info}. */
    public DeviceDescription(MemorySegment info) {
        this.info = info;
        flags = DeviceInfoLayout.flags(info, 0);
        queues = DeviceInfoLayout.nrHwQueues(info, 0);
        depth = DeviceInfoLayout.queueDepth(info, 0);
        descriptorBytes = DeviceInfoLayout.read(info).descriptorStride();
    }

    public int queues() {
        return queues;
    }

    public int depth() {
        return depth;
    }

    /** {@return bytes from one descriptor to the next} */
    public int descriptorBytes() {
        return descriptorBytes;
    }

    public int maxIoBytes() {
        return DeviceInfoLayout.maxIoBufBytes(info, 0);
    }

    public int ownerUid() {
        return DeviceInfoLayout.ownerUid(info, 0);
    }

    public int ownerGid() {
        return DeviceInfoLayout.ownerGid(info, 0);
    }

    public boolean has(long feature) {
        return (flags & feature) != 0;
    }

    public boolean isUserCopy() {
        return has(Feature.UBLK_F_USER_COPY);
    }

    /** {@return whether the disk has zones} */
    public boolean isZoned() {
        return has(Feature.UBLK_F_ZONED);
    }

    /** {@return whether the server speaks of many tags at a time} */
    public boolean isBatch() {
        return has(Feature.UBLK_F_BATCH_IO);
    }

    /** {@return whether requests wait for a next server, rather than fail} */
    public boolean holdsRequests() {
        return has(Feature.UBLK_F_USER_RECOVERY) && !has(Feature.UBLK_F_USER_RECOVERY_FAIL_IO);
    }

    /** {@return whether requests that a dying server had go to the next one, rather than fail} */
    public boolean reissues() {
        return has(Feature.UBLK_F_USER_RECOVERY) && has(Feature.UBLK_F_USER_RECOVERY_REISSUE);
    }

    /** {@return whether the device can live on without its server} */
    public boolean isRecoverable() {
        return has(Feature.UBLK_F_USER_RECOVERY);
    }

    /** Fills in what {@code GET_DEV_INFO} answers. */
    public void copyTo(MemorySegment target, int state, int serverPid) {
        target.copyFrom(info);
        DeviceInfoLayout.state(target, 0, state);
        DeviceInfoLayout.ublksrvPid(target, 0, serverPid);
    }
}
