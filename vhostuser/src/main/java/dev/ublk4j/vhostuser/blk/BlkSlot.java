package dev.ublk4j.vhostuser.blk;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import dev.ublk4j.embedded.DiskRequest;
import dev.ublk4j.exports.ClientRequest;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.server.Geometry;
import dev.ublk4j.uapi.IoOp;
import dev.ublk4j.vhostuser.ring.BadRingException;
import dev.ublk4j.vhostuser.ring.DescriptorChain;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * One request of a virtqueue, from the ring to the disk and back; there is one slot for each number
 * that a ring can give a request.
 */
final class BlkSlot extends ClientRequest {
    private static final int PAGE = 4096;

    private final BlkQueue queue;
    private final int id;

    private boolean out;
    private int dataBytes;

    // Where the status byte goes.
    private MemorySegment statusMemory = MemorySegment.NULL;
    private long statusOffset;

    /** The data, where the disk needs it better aligned than the client has it; else null. */
    private @Nullable MemorySegment bounce;

    /** Where the client has that data. */
    private @Nullable DescriptorChain chainOfBounce;

    private int bounceBytes;

    /** Whether what the request has changed is to be flushed before it is answered. */
    private boolean flushAfterwards;

    BlkSlot(BlkQueue queue, int id) {
        super(queue);
        this.queue = queue;
        this.id = id;
    }

    int id() {
        return id;
    }

    /** {@return whether the disk has this, or has an answer to it that is on its way} */
    boolean isOut() {
        return out;
    }

    /**
     * Takes a request off the ring and sees to it that it is answered, perhaps at once.
     *
     * @param chain its memory, which is the caller's again when this has returned
     * @param header of {@link BlkRequest#HEADER_BYTES}, to use
     */
    void start(DescriptorChain chain, MemorySegment header) {
        if (chain.readableBytes() < BlkRequest.HEADER_BYTES || chain.writableBytes() < 1) {
            throw new BadRingException("a request without header or status: " + chain);
        }
        int last = chain.count() - 1;
        statusMemory = chain.segment(last);
        statusOffset = chain.offset(last) + chain.length(last) - 1;
        dataBytes = 0;
        int type;
        long sector;
        if (chain.length(0) >= BlkRequest.HEADER_BYTES) {
            MemorySegment memory = chain.segment(0);
            long at = chain.offset(0);
            type = memory.get(JAVA_INT_UNALIGNED, at);
            sector = memory.get(JAVA_LONG_UNALIGNED, at + BlkRequest.SECTOR_OFFSET);
        } else {
            chain.read(0, header);
            type = header.get(JAVA_INT_UNALIGNED, 0);
            sector = header.get(JAVA_LONG_UNALIGNED, BlkRequest.SECTOR_OFFSET);
        }
        switch (type) {
            case BlkRequest.VIRTIO_BLK_T_IN -> read(chain, sector);
            case BlkRequest.VIRTIO_BLK_T_OUT -> write(chain, sector);
            case BlkRequest.VIRTIO_BLK_T_FLUSH -> send(request().flush());
            case BlkRequest.VIRTIO_BLK_T_GET_ID -> tellSerial(chain);
            case BlkRequest.VIRTIO_BLK_T_DISCARD, BlkRequest.VIRTIO_BLK_T_WRITE_ZEROES ->
                    clear(chain, header, type);
            default -> answer(BlkRequest.VIRTIO_BLK_S_UNSUPP);
        }
    }

    private void send(DiskRequest filled) {
        out = true;
        submit(filled);
    }

    private void read(DescriptorChain chain, long sector) {
        dataBytes = (int) chain.writableBytes() - 1;
        if (!isOnDisk(sector, dataBytes)) {
            answer(BlkRequest.VIRTIO_BLK_S_IOERR);
            return;
        }
        request().read(sector << 9);
        if (isAligned(chain, chain.readable(), 0, dataBytes)) {
            addData(chain, chain.readable(), 0, dataBytes);
            send(request());
        } else {
            bounce(dataBytes);
        }
    }

    private void write(DescriptorChain chain, long sector) {
        int bytes = (int) chain.readableBytes() - BlkRequest.HEADER_BYTES;
        if (!isOnDisk(sector, bytes)) {
            answer(BlkRequest.VIRTIO_BLK_S_IOERR);
            return;
        }
        if (queue.served().cacheMode().writesThrough()) {
            request().writeThrough(sector << 9);
        } else {
            request().write(sector << 9);
        }
        if (isAligned(chain, 0, BlkRequest.HEADER_BYTES, bytes)) {
            addData(chain, 0, BlkRequest.HEADER_BYTES, bytes);
            send(request());
        } else {
            bounce(bytes);
        }
    }

    /** {@return whether all of a range can be on the disk, of a size that the client was told} */
    private boolean isOnDisk(long sector, long bytes) {
        long disk = queue.served().diskBytes();
        return sector >= 0 && sector <= disk >> 9 && bytes <= disk - (sector << 9);
    }

    /** Has the data of the request that is filled in go by memory that is aligned. */
    private void bounce(int bytes) {
        if (!queue.bounceMemory().canHold(bytes)) {
            answer(BlkRequest.VIRTIO_BLK_S_IOERR);
            return;
        }
        chainOfBounce = queue.keepChain();
        bounceBytes = bytes;
        out = true;
        goOn();
    }

    /** Begins a request that bounces, when there is memory for it; else waits on. */
    void goOn() {
        MemorySegment memory = null;
        DescriptorChain chain = chainOfBounce;
        try {
            memory = queue.bounceMemory().takeOrNull(bounceBytes);
            if (memory == null || chain == null) {
                queue.await(this);
                return;
            }
            bounce = memory;
            if (request().op() == IoOp.UBLK_IO_OP_WRITE) {
                chain.read(BlkRequest.HEADER_BYTES, memory);
            }
            request().add(memory);
        } catch (Throwable e) {
            // For example, there is less memory than the operator has thought.
            if (!(e instanceof OutOfMemoryError)) {
                queue.breakRing(e);
            }
            finish(Errno.ENOMEM.negated());
            return;
        }
        send(request());
    }

    /** {@return whether each piece of the data is aligned as the disk wants it} */
    private boolean isAligned(DescriptorChain chain, int firstPiece, long skip, int bytes) {
        int together = 0;
        long before = skip;
        int left = bytes;
        for (int piece = firstPiece; left > 0; piece++) {
            long length = chain.length(piece) - before;
            if (length > 0) {
                int some = (int) Math.min(left, length);
                together |= (int) (chain.offset(piece) + before) | some;
                left -= some;
                before = 0;
            } else {
                before -= chain.length(piece);
            }
        }
        return (together & queue.served().alignmentMask()) == 0;
    }

    private void addData(DescriptorChain chain, int firstPiece, long skip, int bytes) {
        long before = skip;
        int left = bytes;
        for (int piece = firstPiece; left > 0; piece++) {
            long length = chain.length(piece) - before;
            if (length > 0) {
                int some = (int) Math.min(left, length);
                long address = chain.address(piece) + before;
                long frame = chain.frame(piece, before);
                request().add(address, frame, (int) (address & (PAGE - 1)), some);
                left -= some;
                before = 0;
            } else {
                before -= chain.length(piece);
            }
        }
    }

    private void tellSerial(DescriptorChain chain) {
        dataBytes = (int) Math.min(chain.writableBytes() - 1, BlkDevice.SERIAL_BYTES);
        if (dataBytes > 0) {
            chain.write(0, queue.served().device().serial().asSlice(0, dataBytes));
        }
        answer(BlkRequest.VIRTIO_BLK_S_OK);
    }

    /** A discard or a write of zeroes, of the one range that the configuration allows. */
    private void clear(DescriptorChain chain, MemorySegment range, int type) {
        boolean isDiscard = type == BlkRequest.VIRTIO_BLK_T_DISCARD;
        Geometry geometry = queue.served().device().geometry();
        int most = isDiscard ? geometry.maxDiscard() : geometry.maxWriteZeroes();
        int ranges = BlkRequest.HEADER_BYTES + BlkRequest.RANGE_BYTES;
        if (most == 0 || chain.readableBytes() > ranges) {
            answer(BlkRequest.VIRTIO_BLK_S_UNSUPP);
            return;
        }
        if (chain.readableBytes() < ranges) {
            answer(BlkRequest.VIRTIO_BLK_S_IOERR);
            return;
        }
        chain.read(BlkRequest.HEADER_BYTES, range);
        long sector = range.get(JAVA_LONG_UNALIGNED, 0);
        long bytes = (range.get(JAVA_INT_UNALIGNED, 8) & 0xffff_ffffL) << 9;
        int flags = range.get(JAVA_INT_UNALIGNED, 12);
        if ((flags & (isDiscard ? ~0 : ~BlkRequest.UNMAP)) != 0) {
            answer(BlkRequest.VIRTIO_BLK_S_UNSUPP);
        } else if (bytes > most || !isOnDisk(sector, bytes)) {
            answer(BlkRequest.VIRTIO_BLK_S_IOERR);
        } else {
            // A flag of the request would not do: targets look at it in writes alone.
            flushAfterwards = queue.served().cacheMode().writesThrough();
            send(
                    isDiscard
                            ? request().discard(sector << 9, bytes)
                            : request()
                                    .writeZeroes(
                                            sector << 9, bytes, (flags & BlkRequest.UNMAP) != 0));
        }
    }

    @Override
    protected void answered(long result) {
        finish(result);
    }

    /** Answers with what the disk said; on the queue's thread. */
    void finish(long result) {
        if (flushAfterwards && result >= 0 && queue.isSound()) {
            flushAfterwards = false;
            send(request().flush());
            return;
        }
        flushAfterwards = false;
        long end = result;
        MemorySegment copied = bounce;
        if (copied != null) {
            end = copyBack(copied, result);
            queue.bounceMemory().giveBack(copied);
            bounce = null;
        }
        chainOfBounce = null;
        if (end >= 0) {
            answer(BlkRequest.VIRTIO_BLK_S_OK);
        } else if (end == Errno.EOPNOTSUPP.negated()) {
            answer(BlkRequest.VIRTIO_BLK_S_UNSUPP);
        } else {
            answer(BlkRequest.VIRTIO_BLK_S_IOERR);
        }
    }

    private long copyBack(MemorySegment copied, long result) {
        DescriptorChain destination = chainOfBounce;
        if (result >= 0
                && destination != null
                && request().op() == IoOp.UBLK_IO_OP_READ
                && queue.isSound()) {
            try {
                destination.write(0, copied);
            } catch (Throwable e) {
                queue.breakRing(e);
                return Errno.EFAULT.negated();
            }
        }
        return result;
    }

    private void answer(byte status) {
        out = false;
        if (queue.isSound()) {
            try {
                statusMemory.set(JAVA_BYTE, statusOffset, status);
            } catch (Throwable e) {
                queue.breakRing(e);
            }
        }
        queue.answered(id, dataBytes + 1);
    }

    @Override
    public String toString() {
        return "%d: %s%s".formatted(id, request(), out ? "" : ", done");
    }
}
