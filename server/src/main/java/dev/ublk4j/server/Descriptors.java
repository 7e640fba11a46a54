package dev.ublk4j.server;

import dev.ublk4j.driver.spi.CharDevice;
import dev.ublk4j.uapi.DeviceInfo;
import dev.ublk4j.uapi.wire.BufferOffset;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** Where the driver describes the requests of the tags that a thread serves. */
final class Descriptors {
    private static final int PAGE = 4096;

    private final ServedTags tags;
    private final MemorySegment[] queues;
    private final int stride;

    private Descriptors(ServedTags tags, MemorySegment[] queues, int stride) {
        this.tags = tags;
        this.queues = queues;
        this.stride = stride;
    }

    /** Maps the descriptors of all queues of which there are tags. */
    static Descriptors map(CharDevice charDevice, DeviceInfo info, ServedTags tags, Arena arena) {
        int stride = info.descriptorStride();
        int[] numbers = tags.queues();
        MemorySegment[] queues = new MemorySegment[numbers.length];
        for (int i = 0; i < numbers.length; i++) {
            queues[i] =
                    charDevice.map(
                            BufferOffset.descriptors(numbers[i], stride, PAGE),
                            BufferOffset.descriptorBytes(info.queueDepth(), stride, PAGE),
                            arena);
        }
        return new Descriptors(tags, queues, stride);
    }

    /** {@return the memory that a tag's descriptor lies in} */
    MemorySegment of(int tag) {
        return queues[tags.queueIndex(tag)];
    }

    /** {@return where it begins there} */
    long base(int tag) {
        return (long) tags.tagInQueue(tag) * stride;
    }
}
