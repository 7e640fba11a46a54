package dev.ublk4j.conformance.fuzz;

import dev.ublk4j.conformance.device.QueueLoop;
import dev.ublk4j.conformance.fuzz.LifeSteps.OfDevice;
import dev.ublk4j.driver.spi.CharDevice;
import dev.ublk4j.uapi.wire.BufferOffset;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.function.LongSupplier;
import java.util.zip.CRC32;

/**
 * The server reads or writes the data or the integrity metadata of a request by the char device,
 * from anywhere in it, whether it is there or not.
 *
 * @param queue 0 for that of the request that is held
 * @param tag 0 for that of the request that is held
 * @param at bytes of the request
 * @param base what is added to the position
 * @param own whether the thread of the queue does it, or another one
 */
record CopyStep(
        int device,
        boolean metadata,
        boolean write,
        int queue,
        int tag,
        long at,
        int length,
        long base,
        boolean own)
        implements OfDevice {
    private static final byte UNREAD = (byte) 0xc3;

    @Override
    public String run(Served some) {
        if (!some.isAttached()) {
            return "not attached";
        }
        CharDevice file = some.device().charDevice();
        QueueLoop loop = some.device().queue(some.queueNumber(0));
        long position = position(some.queueNumber(queue), some.tagNumber(tag));
        try (Arena arena = Arena.ofShared()) {
            MemorySegment memory =
                    arena.allocate(Math.max(length, 1)).asSlice(0, length).fill(UNREAD);
            LongSupplier copy =
                    () -> write ? file.pwrite(memory, position) : file.pread(memory, position);
            long answer = own ? loop.onThread(copy) : copy.getAsLong();
            CRC32 sum = new CRC32();
            sum.update(memory.asByteBuffer());
            return "%d %08x".formatted(answer, sum.getValue());
        }
    }

    private long position(int toQueue, int toTag) {
        long position =
                BufferOffset.UBLKSRV_IO_BUF_OFFSET
                        + ((long) toQueue << BufferOffset.UBLK_QID_OFF
                                | (long) toTag << BufferOffset.UBLK_TAG_OFF
                                | at);
        return base + (metadata ? position | BufferOffset.UBLKSRV_IO_INTEGRITY_FLAG : position);
    }
}
