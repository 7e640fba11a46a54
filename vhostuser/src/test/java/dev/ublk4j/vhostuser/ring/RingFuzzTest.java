package dev.ublk4j.vhostuser.ring;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Timeout;

/** Whatever a client's memory holds, a ring is served or found to be bad, and nothing else. */
@Timeout(value = 6, unit = TimeUnit.MINUTES) // when it fuzzes, which is for five by default
final class RingFuzzTest {
    private static final int SIZE = 16;
    private static final long GUEST = 0x1_0000;
    private static final int BYTES = 8192;
    private static final int AVAILABLE = 256;
    private static final int USED = 512;

    private static final MemorySegment MEMORY = Arena.global().allocate(BYTES, 4096);
    private static final GuestMemory GUEST_MEMORY =
            GuestMemory.of(
                    List.of(
                            new GuestRegion(GUEST, GUEST, MEMORY.asSlice(0, 4096), 1000),
                            new GuestRegion(
                                    GUEST + 4096, GUEST + 4096, MEMORY.asSlice(4096, 4096), 2000)));

    @FuzzTest
    void anythingCanBeInTheMemoryOfARing(byte[] data) {
        MEMORY.fill((byte) 0);
        int flags = data.length == 0 ? 0 : data[0];
        int used = Math.min(Math.max(0, data.length - 1), BYTES);
        MemorySegment.copy(data, data.length - used, MEMORY, JAVA_BYTE, 0, used);
        try {
            serve(flags);
        } catch (BadRingException e) {
            assertThat(e.getMessage()).isNotEmpty();
        }
    }

    private static void serve(int flags) {
        SplitRing ring =
                new SplitRing(
                        SplitRing.Parts.find(
                                GUEST_MEMORY, SIZE, GUEST, GUEST + AVAILABLE, GUEST + USED),
                        (flags & 1) != 0,
                        (flags & 2) != 0,
                        0,
                        (flags & 4) == 0
                                ? null
                                : new SplitInflight(MEMORY.asSlice(4096, 512), SIZE));
        DescriptorChain chain = new DescriptorChain();
        for (int turn = 0; turn < 3 * SIZE; turn++) {
            int id = ring.pop(GUEST_MEMORY, chain);
            if (id == Vring.NONE) {
                boolean _ = ring.enableKicks();
                break;
            }
            check(id, chain);
            ring.push(id, 1);
            boolean _ = ring.publish();
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
