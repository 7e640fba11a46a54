package dev.ublk4j.vhostuser.ring;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.function.Supplier;

/** Memory of any content, over whose two regions a ring is served or found to be bad. */
final class FuzzedRing {
    static final int SIZE = 16;
    static final long GUEST = 0x1_0000;

    /** Of the memory: what is available, or the driver's events. */
    static final int AVAILABLE = 256;

    /** Of the memory: what is used, or the device's events. */
    static final int USED = 512;

    private static final int BYTES = 8192;

    static final MemorySegment MEMORY = Arena.global().allocate(BYTES, 4096);
    static final GuestMemory GUEST_MEMORY =
            GuestMemory.of(
                    List.of(
                            new GuestRegion(GUEST, GUEST, MEMORY.asSlice(0, 4096), 1000),
                            new GuestRegion(
                                    GUEST + 4096, GUEST + 4096, MEMORY.asSlice(4096, 4096), 2000)));

    private FuzzedRing() {}

    /** Fills the memory with all bytes but the first, which is answered; 0 for none. */
    static int fill(byte[] data) {
        MEMORY.fill((byte) 0);
        int used = Math.min(Math.max(0, data.length - 1), BYTES);
        MemorySegment.copy(data, data.length - used, MEMORY, JAVA_BYTE, 0, used);
        return data.length == 0 ? 0 : data[0];
    }

    /** Serves a ring for some laps. */
    static void serve(Supplier<Vring> opening) {
        try {
            serve(opening.get());
        } catch (BadRingException e) {
            assertThat(e.getMessage()).isNotEmpty();
        }
    }

    private static void serve(Vring ring) {
        DescriptorChain chain = new DescriptorChain();
        for (int turn = 0; turn < 3 * SIZE; turn++) {
            int id = ring.pop(GUEST_MEMORY, chain);
            if (id == Vring.NONE) {
                boolean _ = ring.enableKicks();
                break;
            }
            check(id, chain);
            ring.push(id, 1);
            // Batches of one, two and three.
            if (turn % 3 != 1) {
                boolean _ = ring.publish();
            }
        }
    }

    private static void check(int id, DescriptorChain chain) {
        assertThat(id).isBetween(0, SIZE - 1);
        long bytes = 0;
        for (int piece = 0; piece < chain.count(); piece++) {
            long start = chain.address(piece) - MEMORY.address();
            assertThat(start).isBetween(0L, (long) BYTES);
            assertThat(chain.length(piece)).isPositive();
            assertThat(start + chain.length(piece)).isLessThanOrEqualTo(BYTES);
            assertThat(chain.frame(piece, 0)).isBetween(1000L, 2000L);
            bytes += chain.length(piece);
        }
        assertThat(bytes).isEqualTo(chain.readableBytes() + chain.writableBytes());
        assertThat(chain.readable()).isBetween(0, chain.count());
    }
}
