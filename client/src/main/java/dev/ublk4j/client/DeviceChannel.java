package dev.ublk4j.client;

import dev.ublk4j.linux.Deadline;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.uring.CompletionHandler;
import java.time.Duration;
import java.util.Objects;

/**
 * One thread's reads and writes of a device, in buffers of the pool that is attached to it.
 *
 * <p>Requests are prepared, sent by {@link #run} or whatever waits, and end at the channel's {@link
 * TransferHandler}. A buffer has one request at a time. Positions and lengths are multiples of the
 * device's block. Nothing on this way allocates or takes a lock. The thread that opened the channel
 * calls every method.
 */
public final class DeviceChannel implements AutoCloseable {
    /** User data of a flush; that of a transfer is its buffer's number. */
    private static final long FLUSH = -1;

    private static final Duration CLOSE_PATIENCE = Duration.ofSeconds(30);

    private final Attachment attachment;
    private final SharedBufferPool pool;
    private final BlockAccess access;
    private final TransferHandler handler;
    private final CompletionHandler onCompletion = this::onCompletion;

    /** Written by the channel's thread alone, read by whoever wants to free the pool. */
    private volatile int underWay;

    private boolean flushing;
    private int flushResult;
    private boolean closed;

    DeviceChannel(Attachment attachment, BlockAccess access, TransferHandler handler) {
        this.attachment = attachment;
        this.pool = attachment.pool();
        this.access = access;
        this.handler = handler;
    }

    /** {@return the size of the device in bytes} */
    public long size() {
        return access.size();
    }

    /**
     * Prepares a read into the whole of a buffer.
     *
     * @param position first byte on the device
     * @throws BufferInUseException when a request is under way in the buffer, or it is not checked
     *     out
     */
    public void read(PooledBuffer buffer, long position) {
        read(buffer, 0, buffer.length(), position);
    }

    /**
     * Prepares a read into part of a buffer.
     *
     * @param offset first byte in the buffer
     * @param length bytes
     * @param position first byte on the device
     * @throws BufferInUseException when a request is under way in the buffer, or it is not checked
     *     out
     */
    public void read(PooledBuffer buffer, int offset, int length, long position) {
        long address = begin(buffer, offset, length);
        try {
            access.read(address, length, position, buffer.index());
        } catch (Throwable e) {
            ended(buffer);
            throw e;
        }
    }

    /**
     * Prepares a write of the whole of a buffer.
     *
     * @param position first byte on the device
     * @throws BufferInUseException when a request is under way in the buffer, or it is not checked
     *     out
     */
    public void write(PooledBuffer buffer, long position) {
        write(buffer, 0, buffer.length(), position);
    }

    /**
     * Prepares a write of part of a buffer.
     *
     * @param offset first byte in the buffer
     * @param length bytes
     * @param position first byte on the device
     * @throws BufferInUseException when a request is under way in the buffer, or it is not checked
     *     out
     */
    public void write(PooledBuffer buffer, int offset, int length, long position) {
        long address = begin(buffer, offset, length);
        try {
            access.write(address, length, position, buffer.index());
        } catch (Throwable e) {
            ended(buffer);
            throw e;
        }
    }

    private long begin(PooledBuffer buffer, int offset, int length) {
        checkOpen();
        if (buffer.pool() != pool) {
            throw new IllegalArgumentException(buffer + " belongs to another pool");
        }
        Objects.checkFromIndexSize(offset, length, buffer.length());
        buffer.begin(length);
        changeUnderWay(1);
        return buffer.memory().address() + offset;
    }

    private void ended(PooledBuffer buffer) {
        changeUnderWay(-1);
        buffer.end();
    }

    @SuppressWarnings("NonAtomicVolatileUpdate") // one thread writes
    private void changeUnderWay(int by) {
        underWay += by;
    }

    private void checkOpen() {
        if (closed) {
            throw new IllegalStateException("the channel is closed");
        }
    }

    /** {@return requests that are prepared or sent and have not ended} From any thread. */
    public int requestsUnderWay() {
        return underWay;
    }

    /**
     * Sends what is prepared and hands over requests that have ended.
     *
     * @param minimum how many to wait for, no more than are under way
     * @return how many were handed over
     */
    public int run(int minimum) {
        checkOpen();
        return access.run(Math.min(minimum, underWay), onCompletion);
    }

    /** Sends what is prepared and waits until no request is under way. */
    public void runAll() {
        while (underWay > 0) {
            run(1);
        }
    }

    /**
     * Makes all that has been written lasting, and waits for that. Writes that are under way are
     * not meant.
     *
     * @throws LinuxException when the device returns an error
     */
    public void flush() {
        checkOpen();
        flushing = true;
        access.flush(FLUSH);
        while (flushing) {
            access.run(1, onCompletion);
        }
        LinuxException.check("flush", attachment.toString(), flushResult);
    }

    private void onCompletion(long userData, int result, int flags) {
        if (userData == FLUSH) {
            flushing = false;
            flushResult = result;
            return;
        }
        PooledBuffer buffer = pool.buffer((int) userData);
        ended(buffer);
        handler.onTransfer(buffer, result);
    }

    /**
     * Waits for the requests under way, hands them over and closes the device. A second call does
     * nothing.
     *
     * @throws PoolInUseException when they do not end in time, as where a server has died and none
     *     has taken over. The channel then stays as it is, and the pool cannot be freed; call again
     */
    @Override
    public void close() {
        if (closed) {
            return;
        }
        Deadline deadline = Deadline.in(CLOSE_PATIENCE);
        while (underWay > 0 || flushing) {
            long left = deadline.leftNanos();
            if (left == 0) {
                throw new PoolInUseException(this + " has requests that do not complete");
            }
            access.run(1, left, onCompletion);
        }
        closed = true;
        access.close();
        attachment.closed(this);
    }

    @Override
    public String toString() {
        return "channel of %s, %d under way".formatted(attachment, underWay);
    }
}
