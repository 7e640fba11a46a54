package dev.ublk4j.nbd;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.ublk4j.nbd.wire.ReplyHeader;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;

/**
 * Sends replies: as many at a time as are ready, header and data of each from where they are. While
 * some are being sent, others gather.
 */
final class Outbox {
    private static final int HEADER_STRIDE = 64;

    /** {@code struct iovec}. */
    private static final int VECTOR_BYTES = 16;

    /** {@code struct msghdr}, of which only these two are not 0. */
    private static final int MESSAGE_BYTES = 56;

    private static final int VECTOR_ADDRESS = 16;
    private static final int VECTOR_COUNT = 24;

    /** {@code IOV_MAX} is 1024. */
    private static final int MAX_VECTORS = 2 * Connection.MAX_OPERATIONS;

    /** Sent at one go, so that a client is to be seen reading. */
    private static final int MAX_BYTES = 1 << 20;

    private final Connection connection;
    private final MemorySegment headers;
    private final MemorySegment vectors;
    private final MemorySegment message;
    private final ArrayDeque<Operation> ready = new ArrayDeque<>(Connection.MAX_OPERATIONS);
    private boolean sending;
    private long milestones;

    /** Bytes of the first reply that have been sent. */
    private long sentOfFirst;

    Outbox(Connection connection, Arena arena) {
        assert ReplyHeader.MAX_BYTES <= HEADER_STRIDE;
        this.connection = connection;
        headers = arena.allocate((long) Connection.MAX_OPERATIONS * HEADER_STRIDE, HEADER_STRIDE);
        vectors = arena.allocate((long) MAX_VECTORS * VECTOR_BYTES, VECTOR_BYTES);
        message = arena.allocate(MESSAGE_BYTES, Long.BYTES);
        message.set(JAVA_LONG, VECTOR_ADDRESS, vectors.address());
    }

    /** {@return where an operation has its reply's header} */
    MemorySegment header(int operation) {
        return headers.asSlice((long) operation * HEADER_STRIDE, HEADER_STRIDE);
    }

    void add(Operation operation) {
        ready.addLast(operation);
    }

    boolean isSending() {
        return sending;
    }

    /** {@return whether the client has yet to read what has memory since before a mark} */
    boolean hasBorrowedBefore(long mark) {
        for (Operation operation : ready) {
            if (operation.hasBorrowedBefore(mark)) {
                return true;
            }
        }
        return false;
    }

    /** {@return how often something has been sent} */
    long milestones() {
        return milestones;
    }

    /** Sends what is ready, unless something is being sent; answers whether it does. */
    boolean send() {
        if (sending || ready.isEmpty()) {
            return false;
        }
        int count = 0;
        long room = MAX_BYTES;
        long skip = sentOfFirst;
        for (Operation operation : ready) {
            if (count + 2 > MAX_VECTORS || room < ReplyHeader.MAX_BYTES) {
                break;
            }
            long header = operation.headerBytes();
            if (skip < header) {
                set(count++, operation.headerAddress() + skip, header - skip);
                room -= header - skip;
                skip = 0;
            } else {
                skip -= header;
            }
            if (operation.payloadBytes() > 0) {
                long bytes = Math.min(room, operation.payloadBytes() - skip);
                set(count++, operation.payloadAddress() + skip, bytes);
                room -= bytes;
                skip = 0;
            }
        }
        sending = true;
        message.set(JAVA_LONG, VECTOR_COUNT, count);
        connection.front().send(connection, message.address());
        return true;
    }

    private void set(int index, long address, long bytes) {
        vectors.setAtIndex(JAVA_LONG, 2L * index, address);
        vectors.setAtIndex(JAVA_LONG, 2L * index + 1, bytes);
    }

    /** Bytes have been sent, or an error has come instead. */
    void sent(int result) {
        sending = false;
        if (result < 0) {
            connection.fail(result);
            return;
        }
        milestones++;
        sentOfFirst += result;
        for (Operation first = ready.peekFirst(); first != null; first = ready.peekFirst()) {
            long bytes = first.headerBytes() + first.payloadBytes();
            if (sentOfFirst < bytes) {
                break;
            }
            sentOfFirst -= bytes;
            ready.removeFirst();
            connection.recycle(first);
        }
    }

    /** Forgets what nobody is there to read, once nothing of it is being sent. */
    void drop() {
        while (!sending && !ready.isEmpty()) {
            connection.recycle(ready.removeFirst());
        }
    }
}
