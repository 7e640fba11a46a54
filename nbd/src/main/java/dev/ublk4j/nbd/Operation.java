package dev.ublk4j.nbd;

import dev.ublk4j.embedded.DiskRequest;
import dev.ublk4j.exports.ClientRequest;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.Pages;
import dev.ublk4j.nbd.wire.Command;
import dev.ublk4j.nbd.wire.MetaContext;
import dev.ublk4j.nbd.wire.NbdErrno;
import dev.ublk4j.nbd.wire.ReplyHeader;
import dev.ublk4j.nbd.wire.RequestHeader;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A request of a client, from its header to the last byte of its reply. Used again for others of
 * the same connection.
 */
final class Operation extends ClientRequest {
    private final Connection connection;

    /** Where the reply's header goes. */
    private final MemorySegment header;

    private int command;
    private int flags;
    private long cookie;
    private long offset;
    private long length;

    private @Nullable DataArea area;
    private int firstPage;
    private int pages;

    /** Where in the first page the payload begins. */
    private int pad;

    /** The mark of its connection when it got its pages. */
    private long mark;

    private long stamp;
    private int headerBytes;
    private long payloadBytes;

    Operation(Connection connection, MemorySegment header) {
        super(connection.front());
        this.connection = connection;
        this.header = header;
    }

    void begin(RequestHeader asked) {
        command = asked.command();
        flags = asked.flags();
        cookie = asked.cookie();
        offset = asked.offset();
        length = asked.length();
        headerBytes = 0;
        payloadBytes = 0;
        pad = hasData() ? (int) (offset & (blockBytesOfDisk() - 1)) : 0;
        assert area == null && stamp == 0 : this;
    }

    private boolean hasData() {
        return command == Command.READ || command == Command.WRITE;
    }

    private int blockBytesOfDisk() {
        return connection.export().disk().logicalBlockBytes();
    }

    int command() {
        return command;
    }

    boolean has(int flag) {
        return (flags & flag) != 0;
    }

    long offset() {
        return offset;
    }

    long length() {
        return length;
    }

    /** {@return whether the request is about whole blocks} */
    boolean isAligned() {
        return ((offset | length) & (blockBytesOfDisk() - 1)) == 0;
    }

    /** {@return whether it is still of use to anybody; looked at between pieces of long work} */
    boolean isWanted() {
        return connection.isWanted();
    }

    /** {@return how many pages it has of those that all clients share} */
    int borrowedPages() {
        return area instanceof PayloadMemory ? pages : 0;
    }

    /** Notes when it has got pages of those that all clients share. */
    void setMark(long newMark) {
        mark = newMark;
    }

    /** {@return whether it has pages of those that all clients share since before a mark} */
    boolean hasBorrowedBefore(long limit) {
        return borrowedPages() > 0 && mark < limit;
    }

    /** {@return where in {@link #memory} the payload begins} */
    int pad() {
        return pad;
    }

    /** {@return whether there were so many pages} */
    boolean take(DataArea from, int count) {
        firstPage = from.runs().take(count);
        if (firstPage < 0) {
            return false;
        }
        area = from;
        pages = count;
        return true;
    }

    /** {@return the operation's memory, from its first page on} */
    MemorySegment memory() {
        return area().memory().asSlice(start(), (long) pages * Pages.SIZE);
    }

    /** {@return the first byte of the payload} */
    long payloadAddress() {
        return area().memory().address() + start() + pad;
    }

    /** Takes bytes of the payload. */
    void put(MemorySegment from, long at, long bytes, long done) {
        MemorySegment.copy(from, at, area().memory(), start() + pad + done, bytes);
    }

    private DataArea area() {
        return Objects.requireNonNull(area, "no memory");
    }

    private long start() {
        return (long) firstPage * Pages.SIZE;
    }

    /** {@return the bytes that a read or write needs, whole blocks} */
    long blockBytes() {
        int block = blockBytesOfDisk();
        return ((offset + length + block - 1) & -block) - (offset & -block);
    }

    /** Goes to the disk; the payload of a write has arrived. On the queue's thread. */
    void submit() {
        switch (command) {
            case Command.READ -> read();
            case Command.WRITE -> write();
            case Command.FLUSH -> submit(request().flush());
            case Command.TRIM -> {
                if (isAligned() && isOnePiece() && !has(Command.FLAG_FUA)) {
                    submit(request().discard(offset, length));
                } else {
                    goSlowly();
                }
            }
            case Command.WRITE_ZEROES -> writeZeroes();
            case Command.BLOCK_STATUS -> goSlowly();
            default -> throw new IllegalStateException("unchecked: " + this);
        }
    }

    private void read() {
        area().addTo(request().read(offset - pad), start(), blockBytes());
        submit(request());
    }

    private void write() {
        if (!isAligned() || !enterGate()) {
            goSlowly();
            return;
        }
        DiskRequest write =
                has(Command.FLAG_FUA) ? request().writeThrough(offset) : request().write(offset);
        area().addTo(write, start(), length);
        submit(write);
    }

    private void writeZeroes() {
        boolean plain =
                isAligned()
                        && isOnePiece()
                        && !has(Command.FLAG_FUA)
                        && connection.export().disk().canWriteZeroes();
        if (!plain || !enterGate()) {
            goSlowly();
            return;
        }
        submit(request().writeZeroes(offset, length, !has(Command.FLAG_NO_HOLE)));
    }

    /** {@return whether the request may go to the disk whole: nothing can take it back there} */
    private boolean isOnePiece() {
        return length <= SlowPath.PIECE;
    }

    private boolean enterGate() {
        stamp = connection.export().gate().tryEnter();
        return stamp != 0;
    }

    private void goSlowly() {
        connection.slowPath().start(this);
    }

    @Override
    protected void abandoned() {
        leaveGate();
    }

    @Override
    protected void answered(long result) {
        leaveGate();
        if (command == Command.WRITE_ZEROES
                && result == Errno.EOPNOTSUPP.negated()
                && !has(Command.FLAG_FAST_ZERO)) {
            // The target cannot after all: zeroes are written as data.
            goSlowly();
        } else {
            finish(result);
        }
    }

    private void leaveGate() {
        if (stamp != 0) {
            connection.export().gate().leave(stamp);
            stamp = 0;
        }
    }

    /**
     * Makes the reply and hands it over; from any thread.
     *
     * @param result not negative for success, else a negative errno
     */
    void finish(long result) {
        ReplyHeader replies = connection.replies();
        if (result < 0) {
            payloadBytes = 0;
            headerBytes = replies.failed(header, 0, cookie, offset, NbdErrno.of(result));
        } else if (command == Command.READ) {
            payloadBytes = length;
            headerBytes = replies.data(header, 0, cookie, offset, length);
        } else {
            headerBytes = replies.done(header, 0, cookie, offset);
        }
        connection.done(this);
    }

    /** {@return what the client wants to be told by a block status} */
    List<MetaContext> contexts() {
        return connection.contexts();
    }

    /**
     * {@return where in {@link #memory} the extents of the next chunk of a block status go} The
     * header of the first chunk is that of the reply; those of others stand before their extents.
     */
    long statusBytes() {
        return headerBytes == 0 ? 0 : payloadBytes + connection.replies().blockStatusBytes();
    }

    /**
     * Adds a chunk to the reply to a block status, whose extents are in {@link #memory}.
     *
     * @param extents how many
     */
    void addStatus(MetaContext context, int extents, boolean isLast) {
        ReplyHeader replies = connection.replies();
        boolean isFirst = headerBytes == 0;
        int bytes =
                replies.blockStatus(
                        isFirst ? header : memory(),
                        isFirst ? 0 : payloadBytes,
                        cookie,
                        offset,
                        context,
                        extents,
                        isLast);
        if (isFirst) {
            headerBytes = bytes;
        } else {
            payloadBytes += bytes;
        }
        payloadBytes += (long) extents * replies.extentBytes();
    }

    /** Hands the reply to a block status over; from any thread. */
    void finishStatus() {
        connection.done(this);
    }

    ReplyHeader replies() {
        return connection.replies();
    }

    long headerAddress() {
        return header.address();
    }

    int headerBytes() {
        return headerBytes;
    }

    long payloadBytes() {
        return payloadBytes;
    }

    /** Gives its memory back. */
    void release() {
        assert stamp == 0 : this;
        if (area != null) {
            area.giveBack(firstPage, pages);
            area = null;
        }
    }

    @Override
    public String toString() {
        return "%s of %d bytes at %d".formatted(Command.name(command), length, offset);
    }
}
