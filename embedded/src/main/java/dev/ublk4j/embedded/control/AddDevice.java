package dev.ublk4j.embedded.control;

import dev.ublk4j.embedded.device.DeviceTable;
import dev.ublk4j.embedded.features.DriverSettings;
import dev.ublk4j.embedded.features.Features;
import dev.ublk4j.embedded.features.ReleaseFeatures;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.Pages;
import dev.ublk4j.linux.internal.UserMemory;
import dev.ublk4j.uapi.DeviceState;
import dev.ublk4j.uapi.Feature;
import dev.ublk4j.uapi.wire.BufferOffset;
import dev.ublk4j.uapi.wire.ControlCommandLayout;
import dev.ublk4j.uapi.wire.DeviceInfoLayout;
import dev.ublk4j.uapi.wire.IoDescLayout;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** {@code ADD_DEV}: checks what is asked for, settles what there will be, and adds the device. */
final class AddDevice {
    private static final int INVALID = Errno.EINVAL.negated();

    /** What makes a server get at data in a way that unprivileged devices must not. */
    private static final long DIRECT_DATA =
            Feature.UBLK_F_USER_COPY
                    | Feature.UBLK_F_SUPPORT_ZERO_COPY
                    | Feature.UBLK_F_AUTO_BUF_REG;

    private static final int ANY_ID = -1;

    private final DeviceTable table;
    private final int cpus;
    private final ReleaseFeatures release;

    AddDevice(DeviceTable table, DriverSettings settings) {
        this.table = table;
        this.cpus = settings.cpus();
        this.release = settings.release();
    }

    int run(ControlHeader header, Credentials caller) {
        if (header.length() < DeviceInfoLayout.SIZE || header.address() == 0) {
            return INVALID;
        }
        if (header.queueId() != ControlCommandLayout.NO_QUEUE) {
            return INVALID;
        }
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment info = arena.allocate(DeviceInfoLayout.SIZE, Long.BYTES);
            int answer = UserMemory.read(header.address(), info);
            if (answer == 0) {
                answer = check(info, header, caller);
            }
            return answer < 0 ? answer : add(info, header);
        }
    }

    private int check(MemorySegment info, ControlHeader header, Credentials caller) {
        int depth = DeviceInfoLayout.queueDepth(info, 0) & 0xffff;
        int queues = DeviceInfoLayout.nrHwQueues(info, 0) & 0xffff;
        if (depth > BufferOffset.UBLK_MAX_QUEUE_DEPTH
                || depth == 0
                || queues > BufferOffset.UBLK_MAX_NR_QUEUES
                || queues == 0) {
            return INVALID;
        }
        long flags = DeviceInfoLayout.flags(info, 0);
        if (caller.privileged()) {
            flags &= ~Feature.UBLK_F_UNPRIVILEGED_DEV;
        } else if ((flags & Feature.UBLK_F_UNPRIVILEGED_DEV) == 0) {
            return Errno.EPERM.negated();
        }
        if (release.checksFlags() && !isRecoveryValid(flags)) {
            return INVALID;
        }
        if ((flags & Feature.UBLK_F_UNPRIVILEGED_DEV) != 0) {
            // A device that nobody vouches for must not keep requests waiting for a next server.
            flags &= ~(Feature.UBLK_F_USER_RECOVERY | Feature.UBLK_F_USER_RECOVERY_REISSUE);
            if ((flags & DIRECT_DATA) != 0) {
                return INVALID;
            }
        }
        if (release.checksFlags()
                && (flags & Feature.UBLK_F_INTEGRITY) != 0
                && (flags & Feature.UBLK_F_USER_COPY) == 0) {
            return INVALID;
        }
        if (release.hasDescriptorSize() && !settleDescriptorSize(info, flags)) {
            return INVALID;
        }
        DeviceInfoLayout.flags(info, 0, flags);
        DeviceInfoLayout.ownerUid(info, 0, caller.uid());
        DeviceInfoLayout.ownerGid(info, 0, caller.gid());
        if (header.deviceId() != DeviceInfoLayout.devId(info, 0)) {
            return INVALID;
        }
        boolean tooLarge = Integer.compareUnsigned(header.deviceId(), DeviceTable.MAX_DEVICES) >= 0;
        return header.deviceId() != ANY_ID && tooLarge ? INVALID : 0;
    }

    private static boolean isRecoveryValid(long flags) {
        long recovery = flags & Features.RECOVERY;
        boolean meaningful =
                recovery == 0
                        || ((recovery & Feature.UBLK_F_USER_RECOVERY) != 0
                                && recovery != Features.RECOVERY);
        boolean quiesces = (flags & Feature.UBLK_F_QUIESCE) != 0;
        return meaningful && (!quiesces || (flags & Feature.UBLK_F_USER_RECOVERY) != 0);
    }

    private static boolean settleDescriptorSize(MemorySegment info, long flags) {
        if ((flags & Feature.UBLK_F_IO_DESC_SIZE) == 0) {
            DeviceInfoLayout.ioDescSize(info, 0, IoDescLayout.SIZE);
            return true;
        }
        int bytes = DeviceInfoLayout.ioDescSize(info, 0) & 0xffff;
        return bytes >= IoDescLayout.SIZE
                && bytes % Long.BYTES == 0
                && bytes <= IoDescLayout.MAX_SIZE;
    }

    private int add(MemorySegment info, ControlHeader header) {
        boolean unprivileged =
                (DeviceInfoLayout.flags(info, 0) & Feature.UBLK_F_UNPRIVILEGED_DEV) != 0;
        table.control().lock();
        try {
            if (unprivileged && !table.hasRoomForUnprivileged()) {
                return Errno.EACCES.negated();
            }
            int id = table.take(header.deviceId());
            if (id < 0) {
                return id;
            }
            boolean added = false;
            try {
                int answer = settle(info, id);
                if (answer == 0) {
                    answer = UserMemory.write(header.address(), info);
                }
                if (answer < 0) {
                    return answer;
                }
                table.add(id, info);
                added = true;
            } finally {
                if (!added) {
                    table.untake(id);
                }
            }
            if (unprivileged) {
                table.countUnprivileged(1);
            }
            return 0;
        } finally {
            table.control().unlock();
        }
    }

    /** Fills in what the driver decides; answers 0 or a negative errno. */
    private int settle(MemorySegment info, int id) {
        DeviceInfoLayout.devId(info, 0, id);
        DeviceInfoLayout.state(info, 0, DeviceState.UBLK_S_DEV_DEAD);
        DeviceInfoLayout.ublksrvPid(info, 0, -1);
        long asked = DeviceInfoLayout.flags(info, 0);
        long flags = (asked & release.features()) | release.always();
        if ((flags & Feature.UBLK_F_USER_COPY) != 0) {
            flags &= ~Feature.UBLK_F_NEED_GET_DATA;
        }
        if ((flags & Feature.UBLK_F_BATCH_IO) != 0) {
            // A tag has no command of its own then, and so no thread.
            flags &= ~(Feature.UBLK_F_NEED_GET_DATA | Feature.UBLK_F_PER_IO_DAEMON);
        }
        if ((flags & Feature.UBLK_F_ZONED) != 0 && (flags & Feature.UBLK_F_USER_COPY) == 0) {
            // The place of an append comes in the field for the address of a buffer.
            return INVALID;
        }
        DeviceInfoLayout.flags(info, 0, flags);
        int queues = DeviceInfoLayout.nrHwQueues(info, 0) & 0xffff;
        DeviceInfoLayout.nrHwQueues(info, 0, Math.min(queues, cpus));
        DeviceInfoLayout.maxIoBufBytes(
                info, 0, DeviceInfoLayout.maxIoBufBytes(info, 0) & -Pages.SIZE);
        return 0;
    }
}
