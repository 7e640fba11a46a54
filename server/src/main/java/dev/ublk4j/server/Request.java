package dev.ublk4j.server;

import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.uapi.IoFlag;
import dev.ublk4j.uapi.Sectors;
import dev.ublk4j.uapi.wire.IoDescLayout;
import dev.ublk4j.uring.Ring;
import dev.ublk4j.uring.RingOptions;
import java.lang.foreign.MemorySegment;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * One request of a block device, as its target sees it: one of the driver's, or a {@linkplain #part
 * part} that a layer sends to the targets below it.
 *
 * <p>There is one object per tag, used again for each request of that tag: a target must not keep
 * it after the request has completed. What names a request beyond that is its {@link #id}.
 *
 * <p>Of the methods only those that look at the data or describe the request may be called from
 * threads other than the queue's.
 */
public final class Request {
    /** What a handler returns that has not finished the request yet. */
    public static final int PENDING = Integer.MIN_VALUE;

    private final Queue queue;
    private final int tag;

    /** Data in memory of this request alone. */
    private final RequestData.InMemory own;

    private long id;
    private Operation operation = Operation.FLUSH;
    private boolean forcesUnitAccess;
    private boolean keepsAllocation;
    private long offset;
    private long length;

    /** The data, in which this request's begins at {@link #from}. */
    private RequestData data;

    private int from;

    /** The tag of the driver's request that has the metadata, in which this one's is; or -1. */
    private int metadataTag = -1;

    /** Where the data was in the beginning, when a target has had it moved to memory. */
    private @Nullable RequestData origin;

    /** What is to be given the data of a read that a target leaves in memory. */
    private RequestData.@Nullable WithDriver creditor;

    /** What the driver has been given of a read, past {@link #data}, and where in it. */
    private @Nullable MemorySegment given;

    private long givenAt;

    /** The slice that was asked for last, and what it is of. */
    private @Nullable MemorySegment slice;

    private @Nullable MemorySegment sliced;
    private int slicedFrom;

    /** What the request was sent to, and is sent to again for its rest. */
    private @Nullable TargetQueue below;

    /** What a layer sent it for. */
    private @Nullable Request parent;

    /** How many requests it is a part of, one in the other. */
    private int level;

    private @Nullable Completion completion;
    private @Nullable Object context;

    /** Bytes that are done and not asked for again. */
    int done;

    /** Backend I/O that the kernel still works on: it may touch the data. */
    int backendIo;

    /** Parts that are out, and calls of the target that have not returned. */
    int partsOut;

    /** Whether it ends with its parts, and the first errno of those, negated. */
    boolean hasParts;

    int partsResult;

    /** Whether a result waits for backend I/O and parts to end, and which. */
    boolean held;

    int heldResult;

    /** Whether it waits to be handed to the target that it was sent to. */
    boolean isToBeSent;

    /** Whether the queue's thread has taken its result, and whether its end has been told. */
    boolean isAnsweredHere;

    boolean isCounted;

    /** Whether its end waits to be told to the driver. */
    boolean isToBeCommitted;

    /** Whether its sending or its end was broken off, what it is a part of, and the one before. */
    boolean isTorn;

    @Nullable Request tornFrom;
    @Nullable Request tornBefore;

    /** Where a zone append has put its data, bytes. */
    private long appended;

    /** Whether the driver asks for zones: no request of the target. */
    boolean reportsZones;

    /** When the driver's request was delivered; 0 where it is not timed. */
    long deliveredNanos;

    private @Nullable RingIo ringIo;

    /** Links and content of {@link AnswerInbox}. */
    int postedResult;

    @Nullable Request postedBefore;

    Request(Queue queue, int tag) {
        this.queue = queue;
        this.tag = tag;
        this.own = new RequestData.InMemory(queue.sharedData());
        this.data = own;
    }

    /** Takes over what the driver wrote into the tag's descriptor; its operation is served. */
    void describe(MemorySegment descriptors, long base, Operation what, long requestId) {
        int opFlags = IoDescLayout.opFlags(descriptors, base);
        begin(requestId);
        operation = what;
        appended = 0;
        reportsZones = false;
        forcesUnitAccess = (opFlags & IoFlag.UBLK_IO_F_FUA) != 0;
        keepsAllocation = (opFlags & IoFlag.UBLK_IO_F_NOUNMAP) != 0;
        offset = Sectors.toBytes(IoDescLayout.startSector(descriptors, base));
        length = Sectors.toBytes(IoDescLayout.nrSectors(descriptors, base) & 0xffff_ffffL);
        metadataTag = (opFlags & IoFlag.UBLK_IO_F_INTEGRITY) != 0 ? tag : -1;
    }

    /** Becomes a range of another request, to be sent to a target below. */
    void describePart(Request whole, long begin, long bytes) {
        operation = whole.operation;
        forcesUnitAccess = whole.forcesUnitAccess;
        keepsAllocation = whole.keepsAllocation;
        offset = whole.offset + begin;
        length = bytes;
        data = whole.data;
        from = whole.from + (int) begin;
        metadataTag = whole.metadataTag;
        parent = whole;
    }

    /** Becomes a part that has no data. */
    void describeOwn(Operation what, long at, long bytes) {
        describeOwn(what, at, IoBuffers.none());
        length = bytes;
    }

    /** Becomes a request of a layer's own. */
    void describeOwn(Operation what, long at, MemorySegment memory) {
        operation = what;
        forcesUnitAccess = false;
        keepsAllocation = false;
        offset = at;
        length = memory.byteSize();
        data = own.of(memory, -1);
        from = 0;
        metadataTag = -1;
    }

    /** Starts with nothing done. */
    void begin(long requestId) {
        id = requestId;
        isAnsweredHere = false;
        isCounted = false;
        done = 0;
        hasParts = false;
        partsResult = 0;
        origin = null;
        creditor = null;
        given = null;
    }

    /** Becomes the rest of itself, of which {@code bytes} have been done. */
    void goOn(long requestId, int bytes) {
        id = requestId;
        isAnsweredHere = false;
        done += bytes;
        length -= bytes;
        offset += bytes;
        hasParts = false;
        partsResult = 0;
        if (operation.hasData()) {
            from += bytes;
            given = null;
            // What has been fetched of a write is here; of a read all that was owed is given.
            if (origin != null && operation == Operation.READ) {
                data = origin;
                origin = null;
            }
        }
    }

    /** Becomes all of itself again, for those who look back at it. */
    void becomeWhole() {
        length += done;
        offset -= done;
        from -= operation.hasData() ? done : 0;
        done = 0;
    }

    /** Gives the request its data. */
    void attach(RequestData some) {
        data = some;
        from = 0;
    }

    /** Gives the request data in memory, as {@link RequestData.InMemory#of} has it. */
    void attach(MemorySegment memory, long sharedAddress) {
        attach(own.of(memory, sharedAddress));
    }

    /** Forgets what belongs to one request, before the object becomes another. */
    void forget() {
        parent = null;
        completion = null;
        context = null;
        below = null;
        data = own.of(IoBuffers.none(), -1);
        metadataTag = -1;
        origin = null;
        creditor = null;
        given = null;
    }

    /** {@return the queue the request came from} */
    public Queue queue() {
        return queue;
    }

    /**
     * {@return the request's number within its queue, unique among those out} Those of the driver
     * are below the queue's depth, those of layers are not.
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

    /** {@return what is asked for} */
    public Operation operation() {
        return operation;
    }

    /** {@return the first byte of the device that is meant} */
    public long offset() {
        return offset;
    }

    /** {@return how many bytes are meant; 0 for a flush} */
    public long length() {
        return length;
    }

    /** {@return the byte after the last of the device that is meant} */
    public long end() {
        return offset + length;
    }

    /** {@return whether a write must be durable when it completes ({@code UBLK_IO_F_FUA})} */
    public boolean forcesUnitAccess() {
        return forcesUnitAccess;
    }

    /** {@return whether zeroed space must stay allocated ({@code UBLK_IO_F_NOUNMAP})} */
    public boolean keepsAllocation() {
        return keepsAllocation;
    }

    /**
     * {@return the data, exactly {@link #length} bytes} A read fills it, a write takes from it; it
     * is empty where a request has none. It may be memory of the application itself, so it must not
     * be touched once the request has completed.
     *
     * <p>A layer that wants to see what is read calls this before it sends parts of the request.
     *
     * @throws LinuxException when it has to be fetched ({@code UBLK_F_USER_COPY}) and cannot be
     * @throws IllegalStateException when it is only known to io_uring ({@code
     *     UBLK_F_AUTO_BUF_REG}), or parts of a read have been sent already that gave theirs to the
     *     driver
     */
    public MemorySegment data() {
        return operation.hasData() ? data.memory(this) : IoBuffers.none();
    }

    /**
     * Fills the whole data from a segment: a read, in one line.
     *
     * @param position where in {@code source} the data lies, in bytes
     * @return the bytes copied, {@link #length}
     * @throws IndexOutOfBoundsException when {@code source} ends before the data does
     */
    public int copyFrom(MemorySegment source, long position) {
        data.copyFrom(this, source, position);
        return (int) length;
    }

    /**
     * Stores the whole data into a segment: a write, in one line.
     *
     * @param position where in {@code destination} the data goes, in bytes
     * @return the bytes copied, {@link #length}
     * @throws IndexOutOfBoundsException when {@code destination} ends before the data does
     */
    public int copyTo(MemorySegment destination, long position) {
        data.copyTo(this, destination, position);
        return (int) length;
    }

    /**
     * {@return whether integrity metadata travels with the data, on a device {@linkplain
     * Geometry#withIntegrity that has some} (Linux 7.0)} A {@linkplain #part(long, long) range} of
     * such a request has the metadata of that range; a part with data of its own has none.
     *
     * <p>Where there is none, the application has neither sent any nor asked for it: what is known
     * of the data that such a write replaces is wrong from then on.
     */
    public boolean hasMetadata() {
        return metadataTag >= 0 && queue.metadata() != null;
    }

    /** {@return the bytes of integrity metadata, 0 where there is none} */
    public long metadataLength() {
        MetadataCopy metadata = queue.metadata();
        return metadataTag < 0 || metadata == null ? 0 : metadata.metadataOf(length);
    }

    /**
     * Stores the whole integrity metadata of a write.
     *
     * @param position where in {@code destination} it goes, in bytes
     * @return the bytes copied, {@link #metadataLength}
     * @throws LinuxException when the driver does not have it
     * @throws IndexOutOfBoundsException when {@code destination} ends before
     */
    public long copyMetadataTo(MemorySegment destination, long position) {
        MetadataCopy metadata = queue.metadata();
        if (metadata != null && metadataTag >= 0) {
            metadata.fetch(metadataTag, from, length, destination, position);
        }
        return metadataLength();
    }

    /**
     * Fills in the whole integrity metadata of a read, before that completes; the application gets
     * what happens to be there otherwise.
     *
     * @param position where in {@code source} it lies, in bytes
     * @return the bytes copied, {@link #metadataLength}
     * @throws LinuxException when the driver does not take it
     * @throws IndexOutOfBoundsException when {@code source} ends before
     */
    public long copyMetadataFrom(MemorySegment source, long position) {
        MetadataCopy metadata = queue.metadata();
        if (metadata != null && metadataTag >= 0) {
            metadata.put(metadataTag, from, length, source, position);
        }
        return metadataLength();
    }

    /**
     * {@return the registered buffer of the queue's ring that the data lies in, or -1} For entries
     * that a target prepares itself. On the queue's thread only.
     */
    public int fixedBuffer() {
        return data.slot();
    }

    /**
     * {@return where io_uring finds the data: an address, or where only a {@linkplain #fixedBuffer
     * registered buffer} has it, the offset in that} For entries that a target prepares itself.
     */
    public long address() {
        return data.address(this);
    }

    /**
     * Prepares the registration of the data's pages with another io_uring than the queue's, such as
     * that of a thread of the target ({@code UBLK_F_BUF_REG_OFF_DAEMON}, Linux 6.17). There, too,
     * the data begins at {@link #address} of the registered buffer. The request must be out until
     * {@link #unregisterPages}, or the driver keeps it from its application. On the ring's thread.
     *
     * <p>I/O that a worker of the kernel has carried out may hold the pages for a moment after its
     * completion, and the request with them. A ring with {@linkplain RingOptions#deferTaskrun
     * deferred task work} lets them go when its thread waits for completions the next time: where
     * that thread also waits for anything else, open the ring without.
     *
     * @param slot an empty one of the registered buffers of the ring
     * @param userData of the completion, whose result is a negative errno where the pages cannot be
     *     registered
     * @throws IllegalStateException when the mode of the device is none with {@linkplain
     *     Mode.Data#isRegistered registered} data
     * @throws UnsupportedOperationException when the driver has this not
     */
    public void registerPages(Ring ring, int slot, long userData) {
        data.register(ring, slot, userData);
    }

    /** Prepares the end of {@link #registerPages}, on the same ring. */
    public void unregisterPages(Ring ring, int slot, long userData) {
        data.unregister(ring, slot, userData);
    }

    /**
     * Ends the request; see {@link TargetQueue#submit}. On the queue's thread.
     *
     * @param result bytes done, 0 where no data is moved, or a negative errno
     * @throws IllegalStateException when it has been completed, or this is another thread
     */
    public void complete(int result) {
        queue.requireOwner();
        queue.complete(id, result);
    }

    /** {@return the result of a request that is done as a whole} */
    public int whole() {
        return due();
    }

    /**
     * {@return a part of this request, to be sent to a target below} It has the operation and the
     * flags of this one, lies at the same place of the device unless it is put elsewhere, and its
     * data is that range of this one's. The request completes when all of its parts have.
     *
     * <p>A part is {@linkplain #submitTo sent} before the next is asked for, and before the call
     * that asked for it returns: it is never handed to {@link TargetQueue#submit}. One that is not
     * sent fails this request with {@code EIO}, and is logged.
     *
     * <p>A part is cut as the driver cuts requests: {@code begin} and {@code bytes} are whole
     * logical blocks of the device. Nobody checks that. What is no whole block reaches the target
     * below as it is, which may refuse it ({@code EINVAL} from direct I/O); and where that does
     * less than all of it, the rest is asked for in steps of the device's block from the beginning
     * of the part, and less than a block fails it with {@code EIO}.
     *
     * @param begin first byte of the part, within this request
     * @param bytes its length; 0 for an operation that has none
     * @throws IndexOutOfBoundsException when it is not within this request
     * @throws IllegalStateException when this request has been completed, or is a part of a part
     *     and so on, hundreds deep, as of a layer that sends parts to itself; or when a part of it
     *     has been asked for and not sent
     */
    public Request part(long begin, long bytes) {
        Objects.checkFromIndexSize(begin, bytes, length);
        return queue.lend(this).ranged(begin, bytes);
    }

    private Request ranged(long begin, long bytes) {
        describePart(Objects.requireNonNull(parent), begin, bytes);
        return this;
    }

    /**
     * {@return a part of this request that has data of its own} It counts as {@link #part(long,
     * long)} does, and is sent and cut as that is. A write {@linkplain #forcesUnitAccess forces
     * unit access} where this request does; any other is durable only with {@link #durably}.
     *
     * @param what read or write
     * @param at first byte, of the target below
     * @param memory the data
     */
    public Request part(Operation what, long at, MemorySegment memory) {
        Request part = queue.lend(this);
        part.describeOwn(what, at, memory);
        part.forcesUnitAccess = what == Operation.WRITE && forcesUnitAccess;
        return part;
    }

    /**
     * {@return a part of this request that has no data, whatever this one has} It counts as {@link
     * #part(long, long)} does, and is sent and cut as that is.
     *
     * @param what a discard, write of zeroes or flush
     * @param at first byte, of the target below
     * @param bytes its length; 0 for a flush
     * @throws IllegalArgumentException for an operation that has data
     */
    public Request part(Operation what, long at, long bytes) {
        if (what.hasData()) {
            throw new IllegalArgumentException(what + " has data");
        }
        Request part = queue.lend(this);
        part.describeOwn(what, at, bytes);
        return part;
    }

    /**
     * Puts a part elsewhere: {@code position} is its first byte on the target below, where a
     * logical block of that begins.
     */
    public Request at(long position) {
        offset = position;
        return this;
    }

    /** Has a part's result go to a layer first. */
    public Request then(Completion receiver) {
        completion = receiver;
        return this;
    }

    /** Has a part durable when it completes, where it is a write. */
    public Request durably() {
        forcesUnitAccess = true;
        return this;
    }

    /**
     * Makes a part of a {@linkplain Operation#ZONE_APPEND zone append} a write of the same data, to
     * be put {@linkplain #at where} the write pointer is.
     *
     * @throws IllegalStateException for a part of something else
     */
    public Request asWrite() {
        if (!operation.bringsData()) {
            throw new IllegalStateException("has no data to write: " + this);
        }
        operation = Operation.WRITE;
        return this;
    }

    /**
     * Says where a {@linkplain Operation#ZONE_APPEND zone append} puts its data, before it
     * completes. What the append is a part of is told, too.
     *
     * @param position the first byte on the device
     */
    public void appendedAt(long position) {
        Request each = this;
        while (each != null && each.operation == Operation.ZONE_APPEND) {
            each.appended = position;
            each = each.parent;
        }
    }

    /** {@return where a zone append has put its data; 0 for any other request} */
    long appended() {
        return appended;
    }

    /** Keeps something with the request until it completes. */
    public Request with(@Nullable Object value) {
        context = value;
        return this;
    }

    /** {@return what was {@linkplain #with kept} with the request} */
    public @Nullable Object context() {
        return context;
    }

    /** {@return what this is a part of} */
    public Request parent() {
        return Objects.requireNonNull(parent, "a request of its own");
    }

    /** {@return where the data begins within that of {@link #parent}} */
    public long begin() {
        return (long) from - (parent == null ? 0 : parent.from);
    }

    /**
     * Sends a part to a target's queue. That is called now or, where many calls are nested, when
     * the outermost has returned; parts reach their targets in the order in which they are sent.
     *
     * @throws IllegalStateException when it has been sent, or another was asked for since
     */
    public void submitTo(TargetQueue target) {
        below = target;
        queue.send(this);
    }

    /** {@return the result that ends the request well: the bytes of its data that are left} */
    int due() {
        return operation.hasData() ? (int) length : 0;
    }

    TargetQueue below() {
        return Objects.requireNonNull(below);
    }

    void below(TargetQueue target) {
        below = target;
    }

    int level() {
        return level;
    }

    @Nullable Request parentOrNull() {
        return parent;
    }

    /** Becomes a part of another request, or of none, that is yet to be sent. */
    void lent(@Nullable Request whole, long nextId) {
        parent = whole;
        level = whole == null ? 0 : whole.level + 1;
        isCounted = false;
        held = false;
        id = nextId;
    }

    @Nullable Completion completion() {
        return completion;
    }

    /** {@return where this request's data begins within the data it is a range of} */
    int from() {
        return from;
    }

    /** {@return this request's range of a segment} */
    // An equal segment may be of an arena that has been closed: it has to be the same.
    @SuppressWarnings({"MemorySegmentReferenceEquality", "ReferenceEquality"})
    MemorySegment slice(MemorySegment segment) {
        MemorySegment known = slice;
        if (known != null
                && sliced == segment
                && slicedFrom == from
                && known.byteSize() == length) {
            return known;
        }
        MemorySegment next = segment.asSlice(from, length);
        slice = next;
        sliced = segment;
        slicedFrom = from;
        return next;
    }

    /** Notes that the data, from now on, is in memory. */
    void move(RequestData.InMemory memory) {
        origin = data;
        data = memory;
        MemorySegment before = given;
        if (before != null) {
            // A target that looks at what it has answered, and may yet change it.
            given = null;
            memory.memory(this).copyFrom(before.asSlice(givenAt, length));
        }
    }

    /** Notes that the driver is to be given what is in memory when a read completes. */
    void owe(RequestData.WithDriver driver) {
        if (hasParts) {
            throw new IllegalStateException(
                    "parts have been sent that gave their data to the driver: " + this);
        }
        creditor = driver;
    }

    /** Notes that the driver has been given the data of a read, from there. */
    void gave(MemorySegment source, long at) {
        given = source;
        givenAt = at;
    }

    /**
     * Gives the driver what it is owed.
     *
     * @return what the result comes to: the same, unless the driver did not take it
     */
    int settle(int result) {
        RequestData.WithDriver driver = creditor;
        if (driver == null) {
            return result;
        }
        creditor = null;
        if (result <= 0) {
            return result;
        }
        try {
            driver.give(this, result);
            return result;
        } catch (LinuxException e) {
            return -e.number();
        }
    }

    /** {@return the operation on the queue's ring that this request has; made when first needed} */
    RingIo ringIo() {
        RingIo some = ringIo;
        if (some == null) {
            some = new RingIo(this, queue);
            ringIo = some;
        }
        return some;
    }

    @Override
    public String toString() {
        return operation == Operation.FLUSH
                ? "%s tag %d".formatted(operation, tag)
                : "%s tag %d, %d bytes at %d".formatted(operation, tag, length(), offset());
    }
}
