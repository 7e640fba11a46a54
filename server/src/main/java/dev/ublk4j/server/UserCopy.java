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
    private final ServedTags tags;
    private final boolean isMetadata;

    UserCopy(CharDevice charDevice, ServedTags tags) {
        this(charDevice, tags, false);
    }

    private UserCopy(CharDevice charDevice, ServedTags tags, boolean isMetadata) {
        this.charDevice = charDevice;
        this.tags = tags;
        this.isMetadata = isMetadata;
    }

    /** {@return what copies the integrity metadata of requests in place of their data} */
    static UserCopy ofMetadata(CharDevice charDevice, ServedTags tags) {
        return new UserCopy(charDevice, tags, true);
    }

    /**
     * Fetches the data of a write.
     *
     * @param from where it begins within the data of the tag's request
     * @param destination where it goes, no array
     * @param at where it begins there
     * @throws LinuxException when the driver does not have it
     */
    void fetch(int tag, int from, MemorySegment destination, long at, long length) {
        long done = charDevice.pread(destination, at, length, position(tag, from));
        check("pread", tag, length, done);
    }

    /**
     * Gives the driver the data of a read.
     *
     * @param from where it begins within the data of the tag's request
     * @param source where it is, no array
     * @param at where it begins there
     * @throws LinuxException when the driver does not take it
     */
    void put(int tag, int from, MemorySegment source, long at, long length) {
        long done = charDevice.pwrite(source, at, length, position(tag, from));
        check("pwrite", tag, length, done);
    }

    private void check(String call, int tag, long length, long result) {
        if (result < 0) {
            throw new LinuxException(call, "the %s of tag %d".formatted(what(), tag), result);
        }
        if (result != length) {
            throw new LinuxException(
                    call,
                    "the %s of tag %d, of which %d bytes are %d"
                            .formatted(what(), tag, length, result),
                    Errno.EIO.negated());
        }
    }

    private long position(int tag, int from) {
        int queue = tags.queue(tag);
        int tagInQueue = tags.tagInQueue(tag);
        return isMetadata
                ? BufferOffset.ofIntegrity(queue, tagInQueue, from)
                : BufferOffset.of(queue, tagInQueue, from);
    }

    private String what() {
        return isMetadata ? "metadata" : "data";
    }
}
