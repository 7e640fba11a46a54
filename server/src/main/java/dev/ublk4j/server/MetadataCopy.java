package dev.ublk4j.server;

import dev.ublk4j.driver.spi.CharDevice;
import dev.ublk4j.linux.LinuxException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Copies the integrity metadata of a queue's requests when a target asks for it, and right to where
 * the target wants it ({@code UBLK_F_INTEGRITY}). From whichever thread the target runs on.
 */
final class MetadataCopy {
    private final UserCopy userCopy;
    private final IntegrityFormat format;

    MetadataCopy(CharDevice charDevice, ServedTags tags, IntegrityFormat format) {
        this.userCopy = UserCopy.ofMetadata(charDevice, tags);
        this.format = format;
    }

    /** {@return the bytes of metadata for some of data} */
    long metadataOf(long bytes) {
        return format.metadataOf(bytes);
    }

    /**
     * Fetches metadata of a write.
     *
     * @param from where the data that it is of begins within that of the tag's request
     * @param length bytes of that data
     * @throws LinuxException when the driver does not have it
     */
    void fetch(int tag, int from, long length, MemorySegment destination, long at) {
        long bytes = metadataOf(length);
        if (destination.isNative()) {
            userCopy.fetch(tag, (int) metadataOf(from), destination, at, bytes);
            return;
        }
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment between = arena.allocate(bytes);
            userCopy.fetch(tag, (int) metadataOf(from), between, 0, bytes);
            MemorySegment.copy(between, 0, destination, at, bytes);
        }
    }

    /**
     * Gives the driver metadata of a read; the parameters are those of {@link #fetch}.
     *
     * @throws LinuxException when the driver does not take it
     */
    void put(int tag, int from, long length, MemorySegment source, long at) {
        long bytes = metadataOf(length);
        if (source.isNative()) {
            userCopy.put(tag, (int) metadataOf(from), source, at, bytes);
            return;
        }
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment between = arena.allocate(bytes);
            MemorySegment.copy(source, at, between, 0, bytes);
            userCopy.put(tag, (int) metadataOf(from), between, 0, bytes);
        }
    }
}
