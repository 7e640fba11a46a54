package dev.ublk4j.embedded;

import dev.ublk4j.driver.spi.CharDevice;
import dev.ublk4j.driver.spi.QueueRing;
import dev.ublk4j.uapi.wire.BufferOffset;
import dev.ublk4j.uapi.wire.IoCommand;
import dev.ublk4j.uapi.wire.IoDescLayout;
import dev.ublk4j.uring.CompletionHandler;
import dev.ublk4j.uring.RingOptions;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A device of one queue whose server is driven step by step by the test's own thread. */
final class OneThread implements AutoCloseable {
    final EmbeddedDriver driver;
    final Commands commands;
    final int id;
    final int depth;
    final CharDevice device;
    final QueueRing ring;
    final Arena arena = Arena.ofShared();
    final MemorySegment descriptors;
    final MemorySegment io;
    final int bufferBytes;

    /** Tags with a request, in the order of arrival. */
    final Deque<Integer> arrived = new ArrayDeque<>();

    /** Completions that are no requests: tag and result. */
    final List<String> refused = new ArrayList<>();

    private final CompletionHandler handler =
            (userData, result, flags) -> {
                if (result == 0) {
                    arrived.add((int) userData);
                } else {
                    refused.add(userData + ":" + result);
                }
            };

    OneThread(EmbeddedDriver driver, int id, int depth, int bufferBytes) {
        this.driver = driver;
        this.commands = new Commands(driver);
        this.id = id;
        this.depth = depth;
        this.bufferBytes = bufferBytes;
        device = driver.open(id);
        ring = device.openRing(RingOptions.defaults());
        descriptors =
                device.map(
                        BufferOffset.descriptors(0, IoDescLayout.SIZE, 4096),
                        BufferOffset.descriptorBytes(depth, IoDescLayout.SIZE, 4096),
                        arena);
        io = arena.allocate((long) depth * bufferBytes, 4096);
    }

    long buffer(int tag) {
        return bufferBytes == 0 ? 0 : io.address() + (long) tag * bufferBytes;
    }

    void fetchAll() {
        for (int tag = 0; tag < depth; tag++) {
            ring.command(IoCommand.UBLK_U_IO_FETCH_REQ, 0, tag, 0, buffer(tag), tag);
        }
        run();
    }

    /** Sends one io command and returns its immediate answer, or null when it was kept. */
    @Nullable Integer answer(int op, int queue, int tag, int result, long address) {
        int before = refused.size();
        ring.command(op, queue, tag, result, address, 1_000_000 + tag);
        run();
        if (refused.size() == before) {
            return null;
        }
        String last = refused.removeLast();
        return Integer.parseInt(last.substring(last.indexOf(':') + 1));
    }

    int run() {
        return ring.run(false, handler);
    }

    void commit(int tag, int result) {
        ring.command(IoCommand.UBLK_U_IO_COMMIT_AND_FETCH_REQ, 0, tag, result, buffer(tag), tag);
        run();
    }

    /** Answers the oldest request with as many bytes as it has. */
    int answerNext() {
        int tag = arrived.remove();
        commit(tag, IoDescLayout.nrSectors(descriptors, IoDescLayout.offset(tag)) << 9);
        return tag;
    }

    @Override
    public void close() {
        ring.close();
        arena.close();
        device.close();
    }
}
