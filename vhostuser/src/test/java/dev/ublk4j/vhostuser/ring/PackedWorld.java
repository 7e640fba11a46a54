package dev.ublk4j.vhostuser.ring;

import static org.assertj.core.api.Assertions.assertThat;

import dev.ublk4j.vhostuser.ring.PackedDriver.Piece;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;

/** A packed ring with both its ends, and memory for what is in flight. */
final class PackedWorld {
    static final long GUEST = 0x10_0000;
    static final int DATA = 0x8000;

    private static final int BYTES = 0x1_0000;
    private static final int DRIVER_EVENT = 0x4000;
    private static final int DEVICE_EVENT = 0x4100;
    private static final int INFLIGHT = 0x5000;

    final int size;
    final MemorySegment memory = Arena.ofAuto().allocate(BYTES, 4096);
    final GuestMemory guestMemory =
            GuestMemory.of(List.of(new GuestRegion(GUEST, GUEST, memory, 0)));
    final PackedDriver driver;
    final DescriptorChain chain = new DescriptorChain();
    PackedInflight inflight;
    PackedRing ring;

    PackedWorld(int size) {
        this.size = size;
        driver = new PackedDriver(memory, 0, DRIVER_EVENT, DEVICE_EVENT, size);
        restart();
    }

    MemorySegment state() {
        return memory.asSlice(INFLIGHT, PackedInflight.bytes(size));
    }

    PackedRing.Parts parts() {
        return PackedRing.Parts.find(
                guestMemory, size, GUEST, GUEST + DRIVER_EVENT, GUEST + DEVICE_EVENT);
    }

    PackedRing openAlone(boolean eventIndex, int base) {
        return new PackedRing(parts(), true, eventIndex, base, null);
    }

    /** Has another process take over, which knows only what is in the memory. */
    void restart() {
        inflight = new PackedInflight(state(), size);
        ring = new PackedRing(parts(), true, true, PackedRing.NEW_BASE, inflight);
    }

    int pop() {
        return ring.pop(guestMemory, chain);
    }

    void popExpecting(int id) {
        assertThat(pop()).isEqualTo(id);
    }

    /** Offers a request of so many descriptors, which are different from those of others. */
    void offer(int id, int descriptors) {
        driver.offer(
                id,
                java.util.stream.IntStream.rangeClosed(1, descriptors)
                        .mapToObj(i ->
                                new Piece(
                                        GUEST + DATA + id * 64L + i,
                                        i,
                                        i < descriptors ? PackedDriver.NEXT : 0))
                        .toList());
    }

    /** Checks that the chain is that of an offered request. */
    void assertChain(int id, int descriptors) {
        assertThat(chain.count()).isEqualTo(descriptors);
        for (int i = 0; i < descriptors; i++) {
            assertThat(chain.offset(i)).isEqualTo(DATA + id * 64L + i + 1);
            assertThat(chain.length(i)).isEqualTo(i + 1);
        }
    }
}
