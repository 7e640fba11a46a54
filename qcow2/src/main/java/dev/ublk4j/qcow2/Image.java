package dev.ublk4j.qcow2;

import dev.ublk4j.server.Target;
import org.jspecify.annotations.Nullable;

/**
 * What the queues of an image share.
 *
 * @param base the backing file, null without one
 * @param allocator null where the image is only read
 */
record Image(
        MetadataFile file,
        Header header,
        long size,
        Target data,
        @Nullable Target base,
        Mapping mapping,
        Decompressor decompressor,
        GracePeriod grace,
        Claims claims,
        @Nullable Allocator allocator,
        @Nullable Space space) {
    int clusterBits() {
        return header.clusterBits();
    }

    int clusterBytes() {
        return header.clusterBytes();
    }

    /** {@return how far the backing file has data, 0 without one} */
    long baseBytes() {
        Target below = base;
        return below == null ? 0 : Math.min(size, below.geometry().size());
    }
}
