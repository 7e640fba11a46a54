package dev.ublk4j.conformance.device;

import dev.ublk4j.uapi.DeviceInfo;
import dev.ublk4j.uapi.Feature;
import dev.ublk4j.uapi.wire.DeviceParams;
import dev.ublk4j.uapi.wire.DeviceParams.Basic;
import dev.ublk4j.uapi.wire.DeviceParams.Discard;
import dev.ublk4j.uapi.wire.DeviceParams.DmaAlign;

/**
 * What a test wants a device to be like.
 *
 * @param queues hardware queues
 * @param depth tags of each
 * @param maxIo bytes of the largest request
 * @param features {@code UBLK_F_...}
 * @param descriptorBytes {@code io_desc_size}; 0 for the usual
 * @param params the parameters
 */
public record Shape(
        int queues, int depth, int maxIo, long features, int descriptorBytes, DeviceParams params) {
    /** Bytes of a device, unless a test wants another size. */
    public static final int SIZE = 16 << 20;

    private static final int MAX_IO = 512 << 10;

    /** {@return one queue of four tags, 16 MiB, no cache, nobody who looks for partitions} */
    public static Shape plain() {
        return new Shape(1, 4, MAX_IO, Feature.UBLK_F_NO_AUTO_PART_SCAN, 0, params(0));
    }

    /** {@return the plain parameters with attributes, {@code UBLK_ATTR_...}} */
    public static DeviceParams params(int attributes) {
        return DeviceParams.of(basic(attributes))
                .with(new Discard(0, 4096, 1 << 20, 1 << 20, 1))
                .with(new DmaAlign(511));
    }

    /** {@return the basic part of {@link #params}} */
    public static Basic basic(int attributes) {
        return new Basic(attributes, 9, 12, 12, 9, MAX_IO >> 9, 0, SIZE >> 9, 0);
    }

    /** {@return the same with more features} */
    public Shape with(Feature... more) {
        long all = features;
        for (Feature feature : more) {
            all |= feature.mask();
        }
        return new Shape(queues, depth, maxIo, all, descriptorBytes, params);
    }

    /** {@return the same with other parameters} */
    public Shape with(DeviceParams other) {
        return new Shape(queues, depth, maxIo, features, descriptorBytes, other);
    }

    /** {@return the same with other queues} */
    public Shape with(int newQueues, int newDepth) {
        return new Shape(newQueues, newDepth, maxIo, features, descriptorBytes, params);
    }

    /** {@return the same with another distance of descriptors} */
    public Shape withDescriptorBytes(int bytes) {
        return new Shape(queues, depth, maxIo, features, bytes, params).with(Feature.IO_DESC_SIZE);
    }

    /** {@return what ADD_DEV is to be asked} */
    public DeviceInfo request(int id) {
        return new DeviceInfo(queues, depth, 0, descriptorBytes, maxIo, id, 0, features, 0, 0, 0);
    }
}
