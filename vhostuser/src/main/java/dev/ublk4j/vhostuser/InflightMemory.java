package dev.ublk4j.vhostuser;

import dev.ublk4j.linux.Fd;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.linux.Pages;
import dev.ublk4j.sharedmemory.Seal;
import dev.ublk4j.sharedmemory.SharedMemory;
import dev.ublk4j.vhostuser.ring.Vring;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;

/**
 * Memory that a client keeps for its device, where it is written down which requests are out. When
 * the device's process dies, the next one finds them there.
 */
final class InflightMemory {
    private final Arena arena = Arena.ofShared();
    private final MemorySegment memory;
    private final Description description;
    private final RingFormat format;

    /**
     * What is said of such memory.
     *
     * <pre>{@code
     * struct VhostUserInflight { u64 mmap_size, mmap_offset; u16 num_queues, queue_size; };
     * }</pre>
     */
    record Description(long bytes, long offset, int rings, int size) {
        /**
         * Reads one.
         *
         * @param queues of the disk: there are no more rings
         * @throws ProtocolException when it is of more, or larger ones, than there can be
         */
        static Description get(ByteBuffer in, int queues) {
            return new Description(
                            in.getLong(),
                            in.getLong(),
                            in.getShort() & 0xffff,
                            in.getShort() & 0xffff)
                    .checked(queues);
        }

        private Description checked(int queues) {
            if (rings < 1 || rings > queues || size < 1 || size > Vring.MAX_SIZE) {
                throw new ProtocolException(
                        "memory for requests in flight of %d rings of %d".formatted(rings, size));
            }
            return this;
        }

        /** {@return the bytes that so many rings of that size and format need} */
        long needed(RingFormat format) {
            return rings * format.inflightBytes(size);
        }

        void put(ByteBuffer out) {
            out.putLong(bytes).putLong(offset).putShort((short) rings).putShort((short) size);
        }
    }

    private InflightMemory(Description description, RingFormat format, SharedMemory file) {
        this.description = description;
        this.format = format;
        try {
            memory = file.map(arena, description.offset(), description.needed(format), false);
        } catch (Throwable e) {
            arena.close();
            throw e;
        }
    }

    /** {@return new memory, all zeroes, which cannot be cut short} */
    static SharedMemory create(Description wanted, RingFormat format) {
        long bytes = Pages.ceiling(wanted.needed(format));
        SharedMemory file = SharedMemory.create("ublk4j-inflight", bytes);
        try {
            file.seal(Seal.SHRINK);
            file.seal(Seal.GROW);
            return file;
        } catch (Throwable e) {
            file.close();
            throw e;
        }
    }

    /**
     * Maps what a client brings back.
     *
     * @param format of the rings whose requests are written down there
     * @param fd belongs to this method
     * @throws ProtocolException when it cannot be used
     */
    static InflightMemory map(Description description, RingFormat format, Fd fd) {
        try (SharedMemory file = SharedMemory.adopt(fd)) {
            long size = file.size();
            if (description.offset() < 0
                    || Pages.floor(description.offset()) != description.offset()
                    || description.offset() > size
                    || description.bytes() > size - description.offset()
                    || description.bytes() < description.needed(format)) {
                throw new ProtocolException(
                        "memory for requests in flight of %d bytes, %d of them from byte %d on"
                                .formatted(size, description.bytes(), description.offset()));
            }
            file.requireSealed(Seal.SHRINK);
            return new InflightMemory(description, format, file);
        } catch (LinuxException e) {
            throw new ProtocolException("memory for requests in flight: " + e.getMessage(), e);
        }
    }

    /**
     * {@return the part of one ring}
     *
     * @throws ProtocolException when there is none
     */
    MemorySegment ring(int index, int size, RingFormat wanted) {
        if (index >= description.rings() || size > description.size()) {
            throw new ProtocolException(
                    "memory for requests in flight has no part for ring %d of %d"
                            .formatted(index, size));
        }
        if (wanted != format) {
            throw new ProtocolException(
                    "memory for requests in flight of %s rings, not %s".formatted(format, wanted));
        }
        long bytes = format.inflightBytes(description.size());
        return memory.asSlice(index * bytes, bytes);
    }

    void close() {
        arena.close();
    }
}
