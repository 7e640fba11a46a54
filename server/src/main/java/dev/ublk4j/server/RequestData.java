package dev.ublk4j.server;

import dev.ublk4j.uring.Ring;
import java.lang.foreign.MemorySegment;

/**
 * Where the data of a request of the driver is, and of the requests that layers make of it: each of
 * those names a range of the one object. A request asks for its own range.
 */
abstract sealed class RequestData {
    /** {@return the data in memory, exactly as long as the request} */
    abstract MemorySegment memory(Request request);

    /** Copies the data of a request to a place. */
    abstract void copyTo(Request request, MemorySegment destination, long offset);

    /** Copies the data of a request from a place. */
    abstract void copyFrom(Request request, MemorySegment source, long offset);

    /** {@return where io_uring finds the data: an address, or the offset in {@link #slot}} */
    abstract long address(Request request);

    /** {@return the registered buffer of the queue's ring that the data lies in, or -1} */
    abstract int slot();

    /** Prepares the registration of the data's pages with a ring that is not the queue's. */
    void register(Ring ring, int slotThere, long userData) {
        throw new IllegalStateException("the data of this request has no pages to register");
    }

    /** Prepares the end of {@link #register}. */
    void unregister(Ring ring, int slotThere, long userData) {
        throw new IllegalStateException("the data of this request has no pages to register");
    }

    /** Data in memory: a tag's buffer, a shared buffer, or memory of a layer. */
    static final class InMemory extends RequestData {
        private final SharedData sharedData;
        private MemorySegment memory = IoBuffers.none();
        private long sharedAddress = -1;

        InMemory(SharedData sharedData) {
            this.sharedData = sharedData;
        }

        /**
         * Becomes other memory.
         *
         * @param address the descriptor's address when it names a shared buffer, else -1
         */
        InMemory of(MemorySegment segment, long address) {
            memory = segment;
            sharedAddress = address;
            return this;
        }

        @Override
        MemorySegment memory(Request request) {
            return request.from() == 0 && request.length() == memory.byteSize()
                    ? memory
                    : request.slice(memory);
        }

        @Override
        void copyTo(Request request, MemorySegment destination, long offset) {
            MemorySegment.copy(memory, request.from(), destination, offset, request.length());
        }

        @Override
        void copyFrom(Request request, MemorySegment source, long offset) {
            MemorySegment.copy(source, offset, memory, request.from(), request.length());
        }

        @Override
        long address(Request request) {
            return memory.address() + request.from();
        }

        @Override
        int slot() {
            return sharedAddress == -1 ? -1 : sharedData.slot(sharedAddress);
        }
    }

    /** Data that only io_uring reaches: the driver has registered it ({@code AUTO_BUF_REG}). */
    static final class InSlot extends RequestData {
        private final int slot;
        private final int tag;
        private final OtherRings others;

        InSlot(int slot, int tag, OtherRings others) {
            this.slot = slot;
            this.tag = tag;
            this.others = others;
        }

        @Override
        void register(Ring ring, int slotThere, long userData) {
            others.register(ring, tag, slotThere, userData);
        }

        @Override
        void unregister(Ring ring, int slotThere, long userData) {
            others.unregister(ring, tag, slotThere, userData);
        }

        @Override
        MemorySegment memory(Request request) {
            throw new IllegalStateException("the driver keeps the data: " + request);
        }

        @Override
        void copyTo(Request request, MemorySegment destination, long offset) {
            MemorySegment.copy(memory(request), 0, destination, offset, request.length());
        }

        @Override
        void copyFrom(Request request, MemorySegment source, long offset) {
            MemorySegment.copy(source, offset, memory(request), 0, request.length());
        }

        @Override
        long address(Request request) {
            return request.from();
        }

        @Override
        int slot() {
            return slot;
        }
    }

    /** Data that is still with the driver, and copied when it is asked for ({@code USER_COPY}). */
    static final class WithDriver extends RequestData {
        private final UserCopy userCopy;
        private final int tag;

        /** The tag's buffer, where the data comes when a target wants to see it. */
        private final InMemory buffer;

        /** The same, writable also where it is read-only to the target. */
        private MemorySegment room = IoBuffers.none();

        WithDriver(UserCopy userCopy, int tag, SharedData sharedData) {
            this.userCopy = userCopy;
            this.tag = tag;
            this.buffer = new InMemory(sharedData);
        }

        /** Becomes the data of the tag's next request. */
        WithDriver of(MemorySegment visible, MemorySegment writable) {
            buffer.of(visible, -1);
            room = writable;
            return this;
        }

        @Override
        MemorySegment memory(Request request) {
            if (request.operation().bringsData()) {
                userCopy.fetch(tag, request.from(), room, request.from(), request.length());
            } else {
                request.owe(this);
            }
            request.move(buffer);
            return buffer.memory(request);
        }

        /**
         * Gives the driver what a target has left in the buffer for a read.
         *
         * @param bytes that are done of the request
         */
        void give(Request request, int bytes) {
            userCopy.put(tag, request.from(), room, request.from(), bytes);
        }

        @Override
        void copyTo(Request request, MemorySegment destination, long offset) {
            if (destination.isNative()) {
                userCopy.fetch(tag, request.from(), destination, offset, request.length());
            } else {
                MemorySegment.copy(memory(request), 0, destination, offset, request.length());
            }
        }

        @Override
        void copyFrom(Request request, MemorySegment source, long offset) {
            if (source.isNative()) {
                userCopy.put(tag, request.from(), source, offset, request.length());
                request.gave(source, offset);
            } else {
                MemorySegment.copy(source, offset, memory(request), 0, request.length());
            }
        }

        @Override
        long address(Request request) {
            return memory(request).address();
        }

        @Override
        int slot() {
            return -1;
        }
    }
}
