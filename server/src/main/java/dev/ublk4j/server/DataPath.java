package dev.ublk4j.server;

import dev.ublk4j.driver.spi.CharDevice;
import dev.ublk4j.driver.spi.QueueRing;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.Mapping;
import dev.ublk4j.uapi.DeviceInfo;
import dev.ublk4j.uapi.Feature;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * The way of a request's data between the driver and the target, for the requests of one queue: a
 * class for each {@link Mode.Data}. Requests whose data lies in shared memory do not come here. On
 * the queue's thread.
 *
 * <p>A tag's command says where the data of its next request is to go: {@link #address} or {@link
 * #slot}. When the request has come, {@link #attach} gives it its data; {@link #release} ends what
 * that has begun, before the request is committed.
 */
abstract sealed class DataPath permits CopyPath, UserCopyPath, ZeroCopyPath, ManualZeroCopyPath {
    /** No buffer, or no slot. */
    static final int NONE = -1;

    /**
     * {@return the path of a queue's requests}
     *
     * @param tags which there are
     * @param data holds what is read and written for requests
     */
    static DataPath open(
            DeviceInfo info,
            ServedTags tags,
            CharDevice charDevice,
            QueueRing ring,
            SharedData shared,
            QueueCounters counters,
            Arena data) {
        return switch (Mode.of(info.flags()).data()) {
            case COPY -> new CopyPath(buffers(info, tags, data), counters);
            case GET_DATA -> new GetDataPath(buffers(info, tags, data), counters);
            case USER_COPY ->
                    new UserCopyPath(
                            new UserCopy(charDevice, tags),
                            tags.count(),
                            buffers(info, tags, data),
                            info.maxIoBufBytes(),
                            shared,
                            counters);
            case ZERO_COPY ->
                    new ZeroCopyPath(
                            new RequestPages(ring, tags),
                            new OtherRings(charDevice, info, tags),
                            tags.count(),
                            Feature.SUPPORT_ZERO_COPY.in(info.flags()),
                            shared,
                            counters);
            case MANUAL_ZERO_COPY ->
                    new ManualZeroCopyPath(
                            new RequestPages(ring, tags),
                            new OtherRings(charDevice, info, tags),
                            tags.count(),
                            shared,
                            counters);
        };
    }

    private static IoBuffers buffers(DeviceInfo info, ServedTags tags, Arena data) {
        long bytes = (long) tags.count() * info.maxIoBufBytes();
        CommonQueue common = tags.common();
        MemorySegment memory =
                common == null
                        ? Mapping.anonymous(bytes, Mapping.MAP_PRIVATE, data)
                        : common.memory(bytes);
        return new IoBuffers(tags.count(), info.maxIoBufBytes(), memory);
    }

    /** {@return the address of the buffer that a tag's commands name, 0 for none} */
    long address(int tag) {
        return 0;
    }

    /**
     * {@return the registered buffer that a tag's commands name, {@link #NONE} where they name a
     * buffer by its address}
     */
    int slot(int tag) {
        return NONE;
    }

    /** {@return whether the driver leaves it to the server to register what it cannot} */
    boolean hasFallback() {
        return false;
    }

    /**
     * {@return the buffer for a write that the driver has told of without its data}
     *
     * @param opFlags the operation and the flags of its descriptor
     * @param described the address in its descriptor
     */
    long bufferOfWrite(int tag, int opFlags, long described) {
        throw new IllegalStateException("asked for a buffer on a device without NEED_GET_DATA");
    }

    /**
     * Gives a request its data.
     *
     * @param request a read or write that the driver has described
     * @param opFlags the operation and the flags of its descriptor
     */
    abstract void attach(Request request, int opFlags);

    /** Ends what {@link #attach} has begun for a tag's request, if anything. */
    void release(int tag) {}

    /**
     * Gives the driver the zones that it has asked for.
     *
     * @param start a byte of the first one
     * @param most how many are asked for
     * @return the result that ends the request: bytes, or a negative errno
     */
    int report(int tag, ZoneReport zones, long start, long most) {
        return Errno.EOPNOTSUPP.negated();
    }

    /** Takes the result of a command of {@link RequestPages}. */
    void pagesCompleted(int tag, int result) {
        throw new IllegalStateException("nobody registers pages on this device");
    }
}
