package dev.ublk4j.client;

import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.sharedmemory.SharedMemory;
import dev.ublk4j.uring.CompletionHandler;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;

/** A device in memory that keeps requests until a test lets go of them. */
final class HeldDevice implements BlockDevice {
    private static final int BLOCK = 4096;

    private final Map<Long, byte[]> blocks = new HashMap<>();
    private final Deque<Held> held = new ArrayDeque<>();

    /** Whether there is a server to share memory with. */
    volatile boolean serverIsThere = true;

    int timesShared;
    boolean holding;
    private volatile int servers;

    private record Held(boolean write, long address, int length, long offset, long userData) {}

    @Override
    public BlockAccess open(MemorySegment memory, int depth) {
        return new Access(memory);
    }

    /** The server is gone, with all that it knew. */
    void killServer() {
        serverIsThere = false;
        servers = servers + 1;
    }

    @Override
    public Sharing share(SharedMemory memory) {
        if (!serverIsThere) {
            throw new LinuxException("connect", "test", Errno.ECONNREFUSED.negated());
        }
        timesShared++;
        int server = servers;
        return new Sharing() {
            private volatile boolean closed;

            @Override
            public boolean isActive() {
                return !closed && server == servers;
            }

            @Override
            public void close() {
                closed = true;
            }
        };
    }

    private final class Access implements BlockAccess {
        private final MemorySegment memory;

        Access(MemorySegment memory) {
            this.memory = memory;
        }

        @Override
        public long size() {
            return 1 << 20;
        }

        @Override
        public void read(long address, int length, long offset, long userData) {
            held.add(new Held(false, address, length, offset, userData));
        }

        @Override
        public void write(long address, int length, long offset, long userData) {
            held.add(new Held(true, address, length, offset, userData));
        }

        @Override
        public void flush(long userData) {
            held.add(new Held(false, 0, 0, 0, userData));
        }

        @Override
        public int run(int minimum, CompletionHandler handler) {
            if (holding) {
                assertNobodyWaits(minimum);
                return 0;
            }
            int count = held.size();
            for (int i = 0; i < count; i++) {
                Held next = held.remove();
                handler.onCompletion(next.userData, transfer(next), 0);
            }
            return count;
        }

        private void assertNobodyWaits(int minimum) {
            if (minimum > 0) {
                throw new AssertionError("would wait for ever");
            }
        }

        @Override
        public int run(int minimum, long timeoutNanos, CompletionHandler handler) {
            // The last moment of those that come late.
            holding = false;
            return run(minimum, handler);
        }

        private int transfer(Held request) {
            for (int done = 0; done < request.length; done += BLOCK) {
                MemorySegment data =
                        memory.asSlice(request.address - memory.address() + done, BLOCK);
                MemorySegment block =
                        MemorySegment.ofArray(
                                blocks.computeIfAbsent(
                                        (request.offset + done) / BLOCK, key -> new byte[BLOCK]));
                (request.write ? block : data).copyFrom(request.write ? data : block);
            }
            return request.length;
        }

        @Override
        public void close() {
            if (!held.isEmpty()) {
                throw new AssertionError("closed under " + held);
            }
        }
    }

    @Override
    public String toString() {
        return "held device";
    }
}
