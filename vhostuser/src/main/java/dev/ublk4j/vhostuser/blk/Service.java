package dev.ublk4j.vhostuser.blk;

import dev.ublk4j.embedded.Disk;
import dev.ublk4j.linux.Fd;
import dev.ublk4j.vhostuser.ring.GuestMemory;
import dev.ublk4j.vhostuser.ring.Vring;
import java.util.function.Consumer;

/**
 * What a queue serves: a client's ring, and the disk behind it.
 *
 * @param ring requests come from here
 * @param memory of the client
 * @param device what the client was told
 * @param disk requests go there
 * @param kick becomes readable when the client has made something available; stays the caller's
 * @param call the client waits for it
 * @param sectors of the disk
 * @param alignmentMask bits that must be clear in the addresses and lengths of data
 * @param writeThrough whether a write must be durable when it is answered, as the client never
 *     flushes
 * @param onBroken told, on the queue's thread, what is wrong with the ring; it is not served any
 *     more then
 */
public record Service(
        Vring ring,
        GuestMemory memory,
        BlkDevice device,
        Disk disk,
        Fd kick,
        CallFd call,
        long sectors,
        int alignmentMask,
        boolean writeThrough,
        Consumer<String> onBroken) {
    Service with(GuestMemory newMemory) {
        return new Service(
                ring,
                newMemory,
                device,
                disk,
                kick,
                call,
                sectors,
                alignmentMask,
                writeThrough,
                onBroken);
    }
}
