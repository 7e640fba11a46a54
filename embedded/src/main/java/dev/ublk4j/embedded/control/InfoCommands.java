package dev.ublk4j.embedded.control;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.ublk4j.embedded.device.UblkDevice;
import dev.ublk4j.embedded.features.ReleaseFeatures;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.internal.UserMemory;
import dev.ublk4j.uapi.ControlCommand;
import dev.ublk4j.uapi.wire.DeviceInfoLayout;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** The commands that tell about the driver or a device and change nothing. */
final class InfoCommands {
    private InfoCommands() {}

    /** {@code GET_FEATURES}. */
    static int features(ControlHeader header, ReleaseFeatures release) {
        if (header.length() != ControlCommand.UBLK_FEATURES_LEN || header.address() == 0) {
            return Errno.EINVAL.negated();
        }
        try (Arena arena = Arena.ofConfined()) {
            return UserMemory.write(
                    header.address(), arena.allocateFrom(JAVA_LONG, release.features()));
        }
    }

    /** {@code GET_DEV_INFO} and {@code GET_DEV_INFO2}. */
    static int info(UblkDevice device, ControlHeader header) {
        if (header.length() < DeviceInfoLayout.SIZE || header.address() == 0) {
            return Errno.EINVAL.negated();
        }
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment info = arena.allocate(DeviceInfoLayout.SIZE, Long.BYTES);
            device.life().describe(info);
            return UserMemory.write(header.address(), info);
        }
    }

    /** {@code GET_QUEUE_AFFINITY}: the CPUs of a queue, one bit each. */
    static int affinity(UblkDevice device, ControlHeader header, int cpus) {
        if (header.length() * Byte.SIZE < cpus
                || (header.length() & (Long.BYTES - 1)) != 0
                || header.address() == 0
                || Long.compareUnsigned(header.data(), device.description().queues()) >= 0) {
            return Errno.EINVAL.negated();
        }
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment mask = arena.allocate(header.length(), Long.BYTES);
            int queue = (int) header.data();
            int end = firstCpu(queue + 1, device.description().queues(), cpus);
            for (int cpu = firstCpu(queue, device.description().queues(), cpus); cpu < end; cpu++) {
                long word = mask.getAtIndex(ValueLayout.JAVA_LONG, cpu / Long.SIZE);
                mask.setAtIndex(ValueLayout.JAVA_LONG, cpu / Long.SIZE, word | 1L << cpu);
            }
            return UserMemory.write(header.address(), mask);
        }
    }

    /**
     * Neighbours share a queue, and the first queues have one more where it does not come out even.
     */
    private static int firstCpu(int queue, int queues, int cpus) {
        return queue * (cpus / queues) + Math.min(queue, cpus % queues);
    }
}
