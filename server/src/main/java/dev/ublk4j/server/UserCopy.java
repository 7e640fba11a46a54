package dev.ublk4j.server;

import dev.ublk4j.driver.CharDevice;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.uapi.BufferOffset;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * Copies the data of a queue's requests where the server has to do it itself ({@code
 * UBLK_F_USER_COPY}): when a target asks for it, and right to where the target wants it.
 *
 * <p>A request's data is fetched and put by whichever thread its target runs on; what a target has
 * left in the tag's buffer is put when the request is committed, on the queue's thread.
 */
final class UserCopy {
    private final CharDevice charDevice;
    private final int queueId;
    private final IoBuffers buffers;

    /** By tag: the data of a read that the driver has yet to be given. */
    private final @Nullable MemorySegment[] owed;

    UserCopy(CharDevice charDevice, int queueId, int depth, IoBuffers buffers) {
        this.charDevice = charDevice;
        this.queueId = queueId;
        this.buffers = buffers;
        this.owed = new @Nullable MemorySegment[depth];
    }

    /** Notes that the driver is to be given what is in a tag's data by then. */
    void owe(int tag, MemorySegment data) {
        owed[tag] = data;
    }

    /** Fetches the data of a write into a tag's buffer. */
    void fetch(int tag, long length) {
        fetch(tag, buffers.slice(tag, length, false));
    }

    /**
     * Fetches the data of a write.
     *
     * @param destination as long as the data, and no array
     * @throws LinuxException when the driver does not have it
     */
    void fetch(int tag, MemorySegment destination) {
        check("pread", tag, destination, charDevice.pread(destination, position(tag)));
    }

    /**
     * Gives the driver the data of a read.
     *
     * @param source as long as the data, and no array
     * @throws LinuxException when the driver does not take it
     */
    void put(int tag, MemorySegment source) {
        check("pwrite", tag, source, charDevice.pwrite(source, position(tag)));
    }

    private static void check(String call, int tag, MemorySegment data, long result) {
        LinuxException.check(call, "the data of tag " + tag, result);
        if (result != data.byteSize()) {
            throw new LinuxException(
                    call,
                    "the data of tag %d, of which %d bytes are %d"
                            .formatted(tag, data.byteSize(), result),
                    Errno.EIO.negated());
        }
    }

    /**
     * Gives the driver what is owed of a tag's data.
     *
     * @param result of the request: bytes, or a negative errno
     * @return what the request is to be answered: the result, unless the driver did not take it
     */
    int settle(int tag, int result) {
        MemorySegment all = owed[tag];
        if (all == null) {
            return result;
        }
        owed[tag] = null;
        if (result <= 0) {
            return result;
        }
        MemorySegment done = result < all.byteSize() ? all.asSlice(0, result) : all;
        long put = charDevice.pwrite(done, position(tag));
        if (put == done.byteSize()) {
            return result;
        }
        return put < 0 ? (int) put : Errno.EIO.negated();
    }

    private long position(int tag) {
        return BufferOffset.of(queueId, tag, 0);
    }
}
