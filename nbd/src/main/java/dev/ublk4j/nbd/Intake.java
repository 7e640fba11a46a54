package dev.ublk4j.nbd;

import dev.ublk4j.linux.Pages;
import dev.ublk4j.nbd.wire.Command;
import dev.ublk4j.nbd.wire.ReplyHeader;
import dev.ublk4j.nbd.wire.RequestHeader;
import java.lang.System.Logger.Level;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * Reads what a client sends: requests by the dozen where they are small, and large payloads right
 * into the memory that the target will see.
 */
final class Intake {
    private static final int CAPACITY = 128 << 10;

    /** A payload of which so much is missing is not read by way of the buffer. */
    private static final int DIRECT_BYTES = 16 << 10;

    /** At so many bytes a payload has gone on. */
    static final int STRIDE = 1 << 20;

    /** What a block status is told with, at most: a thousand extents. */
    private static final int STATUS_BYTES = 4 * Pages.SIZE;

    private final Connection connection;
    private final RequestCheck check;
    private final RequestHeader header;
    private final MemorySegment buffer;

    /** What has arrived and not been looked at: from {@code start} to {@code end}. */
    private int start;

    private int end;

    private boolean receiving;
    private boolean receivingDirectly;

    /** The header at {@code start} has been read, but there is no room for its request. */
    private boolean isWaiting;

    /** The operation whose payload is arriving. */
    private @Nullable Operation arriving;

    /** Bytes of its payload that have arrived. */
    private long arrived;

    /** What {@link #arriving} is answered, when its payload is for nothing; else 0. */
    private int refusal;

    /** The last payload was large: nothing is to be read beyond the next header. */
    private boolean expectsLarge;

    private long milestones;

    Intake(Connection connection, Negotiated chosen, Arena arena) {
        this.connection = connection;
        this.check = new RequestCheck(chosen);
        this.header = new RequestHeader(chosen.replies() == ReplyHeader.EXTENDED);
        this.buffer = arena.allocate(CAPACITY, Pages.SIZE);
    }

    boolean isReceiving() {
        return receiving;
    }

    /** {@return whether the client has begun to send something that it has yet to go on with} */
    boolean isOwedMore() {
        return receiving && (arriving != null || start < end);
    }

    /** {@return whether the client has yet to send what memory is kept for since before a mark} */
    boolean hasBorrowedBefore(long mark) {
        return arriving != null && arriving.hasBorrowedBefore(mark);
    }

    /** {@return how many requests have come, and strides of their payloads} */
    long milestones() {
        return milestones;
    }

    /** Prepares to receive, unless that is under way or not wanted. */
    void receive() {
        if (receiving || isWaiting || connection.isEnding()) {
            return;
        }
        receiving = true;
        Operation operation = arriving;
        if (operation != null && refusal == 0 && operation.length() - arrived >= DIRECT_BYTES) {
            assert start == end : "the buffer's bytes come first";
            receivingDirectly = true;
            long address = operation.payloadAddress() + arrived;
            // Not all at once: a client is to be seen going on.
            long toStride = STRIDE - arrived % STRIDE;
            int wanted = (int) Math.min(operation.length() - arrived, toStride);
            connection.front().receive(connection, address, wanted, true);
            return;
        }
        receivingDirectly = false;
        MemorySegment.copy(buffer, start, buffer, 0, end - start);
        end -= start;
        start = 0;
        int room = expectsLarge && operation == null ? header.bytes() - end : CAPACITY - end;
        connection.front().receive(connection, buffer.address() + end, room, false);
    }

    /** Bytes have arrived, or the end, or an error. */
    void received(int result) {
        receiving = false;
        if (result < 0) {
            connection.fail(result);
        } else if (result == 0) {
            onEnd();
        } else if (receivingDirectly) {
            arrive(result);
        } else {
            end += result;
        }
    }

    private void arrive(long bytes) {
        milestones += (arrived + bytes) / STRIDE - arrived / STRIDE;
        arrived += bytes;
    }

    private void onEnd() {
        if (arriving == null && start == end) {
            // Not as the protocol wants it, but as many clients do it.
            connection.finish();
        } else {
            connection.fail(Level.WARNING, "it disconnected in the middle of a request");
        }
    }

    /** Looks at what has arrived; answers whether there were requests that are under way now. */
    boolean goOn() {
        isWaiting = false;
        boolean any = false;
        while (!connection.isEnding() && step()) {
            // Each step is a request, or the payload of one.
            any = true;
        }
        if (connection.isEnding() && arriving != null && !receiving) {
            connection.recycle(arriving);
            arriving = null;
        }
        return any && arriving == null;
    }

    /** {@return whether there may be more to do} */
    private boolean step() {
        if (arriving != null) {
            return takePayload(arriving);
        }
        if (end - start < header.bytes()) {
            return false;
        }
        if (!header.read(buffer, start)) {
            connection.fail(Level.WARNING, "it sent an invalid request");
            return false;
        }
        if (header.command() == Command.DISC) {
            connection.finish();
            return false;
        }
        if (header.hasPayload()
                && Long.compareUnsigned(header.length(), NbdExport.MAX_PAYLOAD) > 0) {
            connection.fail(Level.WARNING, "it sent too much data with a " + header);
            return false;
        }
        return begin();
    }

    private boolean begin() {
        int answer = check.check(header);
        Operation operation = connection.takeOperation();
        if (operation == null) {
            isWaiting = true;
            return false;
        }
        operation.begin(header);
        long bytes = answer == 0 ? memoryFor(operation) : 0;
        if (bytes > 0 && !connection.giveMemory(operation, bytes)) {
            connection.recycle(operation);
            isWaiting = true;
            return false;
        }
        start += header.bytes();
        milestones++;
        if (header.hasPayload() && header.length() > 0) {
            arriving = operation;
            arrived = 0;
            refusal = answer;
            expectsLarge = header.length() >= DIRECT_BYTES;
        } else if (answer != 0) {
            operation.finish(answer);
        } else {
            expectsLarge = false;
            operation.submit();
        }
        return true;
    }

    private static long memoryFor(Operation operation) {
        return switch (operation.command()) {
            case Command.READ, Command.WRITE -> operation.blockBytes();
            case Command.BLOCK_STATUS -> STATUS_BYTES;
            default -> 0;
        };
    }

    private boolean takePayload(Operation operation) {
        long bytes = Math.min(end - start, operation.length() - arrived);
        if (refusal == 0) {
            operation.put(buffer, start, bytes, arrived);
        }
        start += (int) bytes;
        arrive(bytes);
        if (arrived < operation.length()) {
            return false;
        }
        arriving = null;
        milestones++;
        if (refusal == 0) {
            operation.submit();
        } else {
            operation.finish(refusal);
        }
        return true;
    }
}
