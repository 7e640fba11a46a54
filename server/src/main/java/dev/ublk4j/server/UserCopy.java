package dev.ublk4j.server;

import dev.ublk4j.driver.spi.CharDevice;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.uapi.wire.BufferOffset;
import java.lang.foreign.MemorySegment;

/**
 * Copies the data of a queue's requests where the server has to do it itself ({@code
 * UBLK_F_USER_COPY}): when a target asks for it, and right to where the target wants it. From
 * whichever thread the target runs on.
 */
final class UserCopy {
    private final CharDevice charDevice;
    private final int queueId;

    UserCopy(CharDevice charDevice, int queueId) {
        this.charDevice = charDevice;
        this.queueId = queueId;
    }

    /**
     * Fetches the data of a write.
     *
     * @param from where it begins within the data of the tag's request
     * @param destination as long as the data, and no array
     * @throws LinuxException when the driver does not have it
     */
    void fetch(int tag, int from, MemorySegment destination) {
        check("pread", tag, destination, charDevice.pread(destination, position(tag, from)));
    }

    /**
     * Gives the driver the data of a read.
     *
     * @param from where it begins within the data of the tag's request
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

    private long position(int tag, int from) {
        return BufferOffset.of(queueId, tag, from);
    }
}
