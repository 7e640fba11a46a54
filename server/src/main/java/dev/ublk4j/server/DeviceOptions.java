package dev.ublk4j.server;

import dev.ublk4j.uapi.Feature;
import dev.ublk4j.uapi.wire.BufferOffset;
import dev.ublk4j.uapi.wire.IoDescLayout;

/**
 * How a device is to be served, whatever its target is.
 *
 * @param id the device's number, or -1 for the lowest that is free
 * @param queues how many hardware queues, each with a thread
 * @param depth how many requests a queue can have out at a time, 1 to 4096
 * @param maxIo the largest request in bytes, a multiple of the page, for which each tag has room in
 *     modes that copy; 0 for 1 MiB in {@linkplain Mode.Data#isRegistered() modes} that copy
 *     nothing, and 512 KiB in the others, where data that the server has just touched should still
 *     be in the processor's cache
 * @param descriptorSize bytes from the descriptor of a request to the next, 24 to 256, a multiple
 *     of 8; 0 for 24, which all drivers have ({@code UBLK_F_IO_DESC_SIZE})
 * @param features what the driver must do, {@code UBLK_F_...} bits: without one of them there is no
 *     device
 * @param wishes what it does where it can, {@code UBLK_F_...} bits: a line in the log says what is
 *     missing
 * @param choosesMode whether the device gets the {@linkplain Mode mode} that is best for its target
 *     and the driver, instead of the one that the features say
 */
public record DeviceOptions(
        int id,
        int queues,
        int depth,
        int maxIo,
        int descriptorSize,
        long features,
        long wishes,
        boolean choosesMode) {
    private static final int PAGE = 4096;

    private static final int LARGEST_COPIED = 512 << 10;
    private static final int LARGEST_REGISTERED = 1 << 20;

    /** The largest request that the driver can be asked for ({@code UBLK_IO_BUF_BITS}). */
    private static final int LARGEST_IO = 1 << BufferOffset.UBLK_IO_BUF_BITS;

    /** Checks the ranges. */
    public DeviceOptions {
        require("device number", id, -1, (1 << 20) - 1);
        require("queues", queues, 1, BufferOffset.UBLK_MAX_NR_QUEUES);
        require("depth", depth, 1, BufferOffset.UBLK_MAX_QUEUE_DEPTH);
        if (maxIo != 0) {
            require("largest I/O", maxIo, PAGE, LARGEST_IO);
        }
        if (maxIo % PAGE != 0) {
            throw new IllegalArgumentException(
                    "the largest I/O is not a multiple of the page size: " + maxIo);
        }
        if (descriptorSize != 0) {
            require(
                    "size of descriptors",
                    descriptorSize,
                    IoDescLayout.SIZE,
                    IoDescLayout.MAX_SIZE);
        }
        if (descriptorSize % Long.BYTES != 0) {
            throw new IllegalArgumentException(
                    "the size of descriptors is not a multiple of 8: " + descriptorSize);
        }
    }

    private static void require(String what, int value, int from, int to) {
        if (value < from || value > to) {
            throw new IllegalArgumentException(
                    "%s is not between %d and %d: %d".formatted(what, from, to, value));
        }
    }

    /**
     * {@return the lowest free number, one queue of 128 requests, as large as suits the mode of the
     * device}
     */
    public static DeviceOptions defaults() {
        return new DeviceOptions(-1, 1, 128, 0, 0, 0, 0, false);
    }

    /** {@return the largest request of a device that has such features, in bytes} */
    int largestIo(long deviceFeatures) {
        if (maxIo != 0) {
            return maxIo;
        }
        return Mode.of(deviceFeatures).data().isRegistered() ? LARGEST_REGISTERED : LARGEST_COPIED;
    }

    /** {@return the same for a certain device number} */
    public DeviceOptions withId(int newId) {
        return new DeviceOptions(
                newId, queues, depth, maxIo, descriptorSize, features, wishes, choosesMode);
    }

    /** {@return the same with another number of queues} */
    public DeviceOptions withQueues(int newQueues) {
        return new DeviceOptions(
                id, newQueues, depth, maxIo, descriptorSize, features, wishes, choosesMode);
    }

    /** {@return the same with another depth} */
    public DeviceOptions withDepth(int newDepth) {
        return new DeviceOptions(
                id, queues, newDepth, maxIo, descriptorSize, features, wishes, choosesMode);
    }

    /** {@return the same with another largest request, in bytes} */
    public DeviceOptions withMaxIo(int newMaxIo) {
        require("largest I/O", newMaxIo, PAGE, LARGEST_IO);
        return new DeviceOptions(
                id, queues, depth, newMaxIo, descriptorSize, features, wishes, choosesMode);
    }

    /**
     * {@return the same with another distance from one descriptor to the next, in bytes} With 64,
     * two threads that serve one queue find theirs in different cache lines. The driver must have
     * {@link Feature#IO_DESC_SIZE}, unless it is 0.
     */
    public DeviceOptions withDescriptorSize(int bytes) {
        long others = features & ~Feature.UBLK_F_IO_DESC_SIZE;
        return new DeviceOptions(
                id,
                queues,
                depth,
                maxIo,
                bytes,
                bytes == 0 ? others : others | Feature.UBLK_F_IO_DESC_SIZE,
                wishes,
                choosesMode);
    }

    /** {@return the same with one more feature that the driver must have} */
    public DeviceOptions with(Feature feature) {
        return new DeviceOptions(
                id,
                queues,
                depth,
                maxIo,
                descriptorSize,
                features | feature.mask(),
                wishes,
                choosesMode);
    }

    /** {@return the same with one more feature for drivers that have it} */
    public DeviceOptions withIfAble(Feature feature) {
        return new DeviceOptions(
                id,
                queues,
                depth,
                maxIo,
                descriptorSize,
                features,
                wishes | feature.mask(),
                choosesMode);
    }

    /**
     * {@return the same for a device that outlives its server in such a way} It can be handed over
     * in order, too, where the driver is able.
     */
    public DeviceOptions with(Recovery recovery) {
        long quiesce = recovery == Recovery.NONE ? 0 : Feature.UBLK_F_QUIESCE;
        return new DeviceOptions(
                id,
                queues,
                depth,
                maxIo,
                descriptorSize,
                (features & ~(Recovery.ALL | Feature.UBLK_F_QUIESCE)) | recovery.features(),
                (wishes & ~Feature.UBLK_F_QUIESCE) | quiesce,
                choosesMode);
    }

    /** {@return the same for a device that is served in such a mode} */
    public DeviceOptions with(Mode mode) {
        long others = features & ~Mode.FEATURES;
        return new DeviceOptions(
                id, queues, depth, maxIo, descriptorSize, others | mode.features(), wishes, false);
    }

    /** {@return the same for a device that is served in the mode that suits it best} */
    public DeviceOptions withBestMode() {
        return new DeviceOptions(id, queues, depth, maxIo, descriptorSize, features, wishes, true);
    }
}
