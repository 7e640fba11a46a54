package dev.ublk4j.vhostuser.blk;

import dev.ublk4j.embedded.Disk;
import dev.ublk4j.linux.Fd;
import dev.ublk4j.vhostuser.ring.GuestMemory;
import dev.ublk4j.vhostuser.ring.Vring;
import java.util.function.Consumer;

/**
 * What a queue serves: a client's ring, and what is told of the disk behind it.
 *
 * @param ring requests come from here
 * @param memory of the client
 * @param device what the client was told
 * @param kick becomes readable when the client has made something available; stays the caller's
 * @param call the client waits for it
 * @param disk what the ring's requests go to; its size may change
 * @param alignmentMask bits that must be clear in the addresses and lengths of data
 * @param bounceBytes how much memory there may be for data that is not so aligned
 * @param cacheMode whether what is changed must be durable when it is answered
 * @param onBroken told, on the queue's thread, what is wrong with the ring; it is not served any
 *     more then
 */
public record Service(
        Vring ring,
        MemoryView memory,
        BlkDevice device,
        Fd kick,
        CallFd call,
        Disk disk,
        int alignmentMask,
        long bounceBytes,
        CacheMode cacheMode,
        Consumer<String> onBroken) {
    /** {@return bytes of the disk} */
    long diskBytes() {
        return disk.size();
    }

    /**
     * The memory that a ring's descriptors are looked up in, as it is now. Of the queue's thread.
     */
    public static final class MemoryView {
        private GuestMemory memory;

        /** Begins with this memory. */
        public MemoryView(GuestMemory memory) {
            this.memory = memory;
        }

        GuestMemory get() {
            return memory;
        }

        void set(GuestMemory newMemory) {
            memory = newMemory;
        }
    }
}
