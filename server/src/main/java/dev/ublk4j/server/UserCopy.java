package dev.ublk4j.server;

import dev.ublk4j.driver.spi.CharDevice;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.uapi.wire.BufferOffset;
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

    /** By tag: where that begins within the data of the request. */
    private final int[] owedFrom;

    UserCopy(CharDevice charDevice, int queueId, int depth, IoBuffers buffers) {
        this.charDevice = charDevice;
        this.queueId = queueId;
        this.buffers = buffers;
        this.owed = new @Nullable MemorySegment[depth];
        this.owedFrom = new int[depth];
    }

    /**
     * Notes that the driver is to be given what is in a tag's data by then.
     *
     * @param from where it begins within the data of the request
     */
    void owe(int tag, int from, MemorySegment data) {
        owed[tag] = data;
        owedFrom[tag] = from;
    }

    /** Fetches the data of a write from an offset on into a tag's buffer, to the same offset. */
    void fetch(int tag, int from, long length) {
        MemorySegment all = buffers.slice(tag, from + length, false);
        fetch(tag, from, from == 0 ? all : all.asSlice(from));
    }

    /**
     * Fetches the data of a write from an offset on.
     *
     * @param destination as long as the data, and no array
     * @throws LinuxException when the driver does not have it
     */
    void fetch(int tag, int from, MemorySegment destination) {
        check("pread", tag, destination, charDevice.pread(destination, position(tag, from)));
    }

    /**
     * Gives the driver the data of a read from an offset on.
     *
     * @param source as long as the data, and no array
     * @throws LinuxException when the driver does not take it
     */
    void put(int tag, int from, MemorySegment source) {
        check("pwrite", tag, source, charDevice.pwrite(source, position(tag, from)));
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
        long put = charDevice.pwrite(done, position(tag, owedFrom[tag]));
        if (put == done.byteSize()) {
            return result;
        }
        return put < 0 ? (int) put : Errno.EIO.negated();
    }

    private long position(int tag, int from) {
        return BufferOffset.of(queueId, tag, from);
    }
}
