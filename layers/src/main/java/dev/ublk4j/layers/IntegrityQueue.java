package dev.ublk4j.layers;

import dev.ublk4j.linux.Errno;
import dev.ublk4j.server.Completion;
import dev.ublk4j.server.IntegrityFormat;
import dev.ublk4j.server.Operation;
import dev.ublk4j.server.Queue;
import dev.ublk4j.server.Request;
import dev.ublk4j.server.TargetQueue;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayDeque;
import java.util.Objects;

/** An {@link IntegrityTarget} on one queue. */
final class IntegrityQueue implements TargetQueue {
    private final Queue queue;
    private final TargetQueue data;
    private final TargetQueue metadata;
    private final IntegrityFormat format;
    private final boolean isInverted;
    private final Arena arena = Arena.ofShared();

    /** Buffers that no request uses: as many as there ever were requests at a time. */
    private final ArrayDeque<Buffer> idle = new ArrayDeque<>();

    private final Completion whenRead = this::read;
    private final Completion whenWritten = this::written;
    private final Completion whenUnwritten = this::unwritten;

    IntegrityQueue(Queue queue, TargetQueue data, TargetQueue metadata, IntegrityFormat format) {
        this.queue = queue;
        this.data = data;
        this.metadata = metadata;
        this.format = format;
        this.isInverted = format.unwritten() != 0;
    }

    /** Memory for the metadata of one request. */
    private static final class Buffer {
        private MemorySegment memory = MemorySegment.NULL;

        /** What the request that has it needs of it. */
        private MemorySegment part = MemorySegment.NULL;
    }

    @Override
    public void submit(Request request) {
        switch (request.operation()) {
            case READ -> beginRead(request);
            case WRITE -> beginWrite(request);
            case DISCARD, WRITE_ZEROES -> beginZeroing(request);
            case FLUSH -> {
                request.part(0, 0).submitTo(metadata);
                request.part(0, 0).submitTo(data);
            }
            default -> request.complete(Errno.EOPNOTSUPP.negated());
        }
    }

    private void beginRead(Request request) {
        if (!request.hasMetadata()) {
            data.submit(request);
            return;
        }
        Buffer buffer = take(request);
        // A target that drops all leaves what it is to read: nothing has been written there.
        buffer.part.fill((byte) 0);
        send(request, Operation.READ, buffer, whenRead);
    }

    private void beginWrite(Request request) {
        Buffer buffer = take(request);
        try {
            if (request.hasMetadata()) {
                request.copyMetadataTo(buffer.part, 0);
                invert(buffer.part);
            } else {
                // Written, and not zeroed, to be as durable as the data.
                buffer.part.fill((byte) 0);
            }
        } catch (Throwable e) {
            idle.addLast(buffer);
            throw e;
        }
        send(request, Operation.WRITE, buffer, whenWritten);
    }

    private void send(Request request, Operation what, Buffer buffer, Completion then) {
        request.part(what, format.metadataOf(request.offset()), buffer.part)
                .with(buffer)
                .then(then)
                .submitTo(metadata);
        request.part(0, request.length()).submitTo(data);
    }

    private void beginZeroing(Request request) {
        long at = format.metadataOf(request.offset());
        // The metadata first: where it cannot be zeroed, the data is as it was, and data without
        // metadata can be read.
        request.part(Operation.WRITE_ZEROES, at, format.metadataOf(request.length()))
                .then(whenUnwritten)
                .submitTo(metadata);
    }

    private int unwritten(Request part, int result) {
        if (result >= 0) {
            Request request = part.parent();
            request.part(0, request.length()).submitTo(data);
        }
        return result;
    }

    private int read(Request part, int result) {
        Buffer buffer = (Buffer) Objects.requireNonNull(part.context());
        try {
            if (result >= 0) {
                invert(buffer.part);
                part.parent().copyMetadataFrom(buffer.part, 0);
            }
            return result;
        } finally {
            idle.addLast(buffer);
        }
    }

    private int written(Request part, int result) {
        idle.addLast((Buffer) Objects.requireNonNull(part.context()));
        return result;
    }

    private Buffer take(Request request) {
        long bytes = format.metadataOf(request.length());
        Buffer buffer = idle.pollLast();
        if (buffer == null) {
            buffer = new Buffer();
        }
        if (buffer.memory.byteSize() < bytes) {
            // Doubled, so that little is left behind in the arena.
            long room = Math.max(Long.highestOneBit(bytes - 1) << 1, Long.BYTES);
            buffer.memory = arena.allocate(room, Long.BYTES);
        }
        if (buffer.part.byteSize() != bytes) {
            buffer.part = buffer.memory.asSlice(0, bytes);
        }
        return buffer;
    }

    private void invert(MemorySegment memory) {
        if (!isInverted) {
            return;
        }
        long bytes = memory.byteSize();
        long at = 0;
        for (; at <= bytes - Long.BYTES; at += Long.BYTES) {
            memory.set(ValueLayout.JAVA_LONG, at, ~memory.get(ValueLayout.JAVA_LONG, at));
        }
        for (; at < bytes; at++) {
            byte before = memory.get(ValueLayout.JAVA_BYTE, at);
            memory.set(ValueLayout.JAVA_BYTE, at, (byte) ~before);
        }
    }

    @Override
    public void close() {
        if (!queue.hasIoLeft()) {
            arena.close();
        }
    }
}
