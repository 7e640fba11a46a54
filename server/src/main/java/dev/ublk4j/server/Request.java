package dev.ublk4j.server;

import dev.ublk4j.linux.Errno;
import dev.ublk4j.uapi.IoFlag;
import dev.ublk4j.uapi.IoOp;
import dev.ublk4j.uapi.wire.IoDesc;
import java.lang.foreign.MemorySegment;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * One request of a block device, as its target sees it.
 *
 * <p>There is one object per tag, made when the device starts and used again for each request of
 * that tag: a target must not keep it after the request has completed. What names a request beyond
 * that is its {@link #id}.
 */
public final class Request {
    /** What a handler answers that has not finished the request yet. */
    public static final int PENDING = Integer.MIN_VALUE;

    /** Bytes in a sector, the unit of the driver whatever the block size is. */
    public static final int SECTOR = 512;

    private static final int SECTOR_SHIFT = 9;

    private final Queue queue;
    private final int tag;
    private final @Nullable UserCopy userCopy;

    private long id;
    private int opFlags;
    private int sectors;
    private long startSector;
    private MemorySegment data = MemorySegment.NULL;

    /** Where the data begins within that of the driver's request: what is before has been done. */
    private int from;

    /** The data is with the driver alone: what comes from there has not been fetched. */
    private boolean remote;

    /** What the driver has been given of a read, past {@link #data}; else null. */
    private @Nullable MemorySegment given;

    /** The slot of the ring where the data is, and nowhere else; else -1. */
    private int slot = -1;

    /** The descriptor's address where the data is in a shared buffer, else -1. */
    private long sharedAddress = -1;

    Request(Queue queue, int tag) {
        this.queue = queue;
        this.tag = tag;
        this.userCopy = queue.userCopy();
    }

    /** Takes over what the driver wrote into the tag's descriptor. */
    void describe(MemorySegment descriptors, long base, long requestId) {
        id = requestId;
        opFlags = IoDesc.opFlags(descriptors, base);
        sectors = IoDesc.nrSectors(descriptors, base);
        startSector = IoDesc.startSector(descriptors, base);
        from = 0;
    }

    /**
     * Becomes the rest of itself.
     *
     * @param done bytes that need not be asked for again, a multiple of the sector
     */
    void goOn(long requestId, int done) {
        id = requestId;
        sectors -= done >>> SECTOR_SHIFT;
        startSector += done >>> SECTOR_SHIFT;
        if (hasData()) {
            from += done;
            given = null;
            if (slot < 0) {
                data = data.asSlice(done);
                // What has been fetched of a write is here; of a read all that was owed is given.
                remote |= userCopy != null && sharedAddress == -1 && !isWrite();
            }
        }
    }

    /**
     * Gives the request its data.
     *
     * @param address the descriptor's address when it names a shared buffer, else -1
     */
    void attach(MemorySegment segment, long address) {
        data = segment;
        sharedAddress = address;
        slot = -1;
        remote = userCopy != null && address == -1 && hasData();
        given = null;
    }

    /** Gives the request its data, which the driver has put into a slot of the ring. */
    void attachSlot(int registered) {
        data = MemorySegment.NULL;
        sharedAddress = -1;
        slot = registered;
    }

    /**
     * {@return whether the application's data is in a shared buffer ({@code UBLK_IO_F_SHMEM_ZC})}
     */
    boolean isShared() {
        return (opFlags & IoFlag.UBLK_IO_F_SHMEM_ZC) != 0;
    }

    /** {@return the queue the request came from} */
    public Queue queue() {
        return queue;
    }

    /**
     * {@return the request's number within its queue, below the queue's depth; unique among those
     * out}
     */
    public int tag() {
        return tag;
    }

    /**
     * {@return the request's name for {@link Queue#complete}} Unlike the tag it is never used
     * again, so that a late completion cannot reach another request, nor the rest of this one.
     */
    public long id() {
        return id;
    }

    /** {@return what is asked for, {@code UBLK_IO_OP_...}} */
    public int op() {
        return opFlags & 0xff;
    }

    /** {@return the first byte of the device that is meant} */
    public long offset() {
        return startSector << SECTOR_SHIFT;
    }

    /** {@return how many bytes are meant; 0 for a flush} */
    public long length() {
        return (sectors & 0xffff_ffffL) << SECTOR_SHIFT;
    }

    /** {@return whether a write must be durable when it completes ({@code UBLK_IO_F_FUA})} */
    public boolean forcesUnitAccess() {
        return (opFlags & IoFlag.UBLK_IO_F_FUA) != 0;
    }

    /** {@return whether zeroed space must stay allocated ({@code UBLK_IO_F_NOUNMAP})} */
    public boolean keepsAllocation() {
        return (opFlags & IoFlag.UBLK_IO_F_NOUNMAP) != 0;
    }

    /**
     * {@return the data, exactly {@link #length} bytes} A read fills it, a write takes from it; it
     * is empty where a request has none. It may be memory of the application itself, so it must not
     * be touched once the request has completed.
     *
     * @throws dev.ublk4j.linux.LinuxException when it has to be fetched ({@code UBLK_F_USER_COPY})
     *     and cannot be
     * @throws IllegalStateException when it is only known to io_uring ({@code
     *     UBLK_F_AUTO_BUF_REG}): see {@link #address}
     */
    public MemorySegment data() {
        if (slot >= 0) {
            throw new IllegalStateException("the data stays with the driver: " + this);
        }
        if (remote) {
            remote = false;
            bring(Objects.requireNonNull(userCopy));
        }
        return data;
    }

    private void bring(UserCopy copy) {
        if (isWrite()) {
            copy.fetch(tag, from, data.byteSize());
        } else {
            copy.owe(tag, from, data);
            if (given != null) {
                // A target that looks at what it has answered, and may yet change it.
                data.copyFrom(given);
            }
        }
    }

    /**
     * Fills the whole data from a segment: a read, in one line.
     *
     * @param offset where in {@code source} the data lies, in bytes
     * @return the bytes copied, {@link #length}
     * @throws IndexOutOfBoundsException when {@code source} ends before the data does
     */
    public int copyFrom(MemorySegment source, long offset) {
        if (remote && source.isNative()) {
            MemorySegment place = source.asSlice(offset, data.byteSize());
            Objects.requireNonNull(userCopy).put(tag, from, place);
            given = place;
        } else {
            MemorySegment.copy(source, offset, data(), 0, data.byteSize());
        }
        return (int) data.byteSize();
    }

    /**
     * Stores the whole data into a segment: a write, in one line.
     *
     * @param offset where in {@code destination} the data goes, in bytes
     * @return the bytes copied, {@link #length}
     * @throws IndexOutOfBoundsException when {@code destination} ends before the data does
     */
    public int copyTo(MemorySegment destination, long offset) {
        if (remote && destination.isNative()) {
            MemorySegment place = destination.asSlice(offset, data.byteSize());
            Objects.requireNonNull(userCopy).fetch(tag, from, place);
        } else {
            MemorySegment.copy(data(), 0, destination, offset, data.byteSize());
        }
        return (int) data.byteSize();
    }

    /**
     * {@return the registered buffer of the queue's ring that the data lies in, or -1 for none}
     * Backend I/O on the data may then be fixed, {@link dev.ublk4j.uring.Ring#readFixed}, which
     * spares the kernel from pinning the pages each time. On the queue's thread only.
     */
    public int fixedBuffer() {
        if (slot >= 0) {
            return slot;
        }
        return sharedAddress == -1 ? -1 : queue.sharedData().slot(sharedAddress);
    }

    /**
     * {@return where io_uring finds the data} The address of {@link #data}, or with {@code
     * UBLK_F_AUTO_BUF_REG}, where only the {@linkplain #fixedBuffer registered buffer} has it, the
     * offset in that.
     */
    public long address() {
        return slot >= 0 ? from : data().address();
    }

    /** Calls the target's method for the operation. */
    int dispatch(Target target) {
        return switch (op()) {
            case IoOp.UBLK_IO_OP_READ -> target.read(this);
            case IoOp.UBLK_IO_OP_WRITE -> target.write(this);
            case IoOp.UBLK_IO_OP_FLUSH -> target.flush(this);
            case IoOp.UBLK_IO_OP_DISCARD -> target.discard(this);
            case IoOp.UBLK_IO_OP_WRITE_ZEROES -> target.writeZeroes(this);
            default -> Errno.EOPNOTSUPP.negated();
        };
    }

    /** {@return whether the operation takes data from the application} */
    boolean isWrite() {
        return op() == IoOp.UBLK_IO_OP_WRITE;
    }

    /** {@return whether the operation moves data} */
    boolean hasData() {
        int op = op();
        return op == IoOp.UBLK_IO_OP_READ || op == IoOp.UBLK_IO_OP_WRITE;
    }

    @Override
    public String toString() {
        return op() == IoOp.UBLK_IO_OP_FLUSH
                ? "%s tag %d".formatted(IoOp.name(op()), tag)
                : "%s tag %d, %d bytes at %d".formatted(IoOp.name(op()), tag, length(), offset());
    }
}
