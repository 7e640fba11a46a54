package dev.ublk4j.vhostuser.ring;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import org.junit.jupiter.api.Test;

/** A split ring with a guest that does not keep to the rules. */
final class SplitRingTest {
    private static final int SIZE = 8;
    private static final long GUEST = 0x10_0000;
    private static final int AVAILABLE = 0x1000;
    private static final int USED = 0x2000;
    private static final int INFLIGHT = 0x3000;

    private final MemorySegment memory = Arena.ofAuto().allocate(0x4000, 4096);
    private final GuestMemory guestMemory =
            GuestMemory.of(List.of(new GuestRegion(GUEST, GUEST, memory, 0)));

    @Test
    void noMoreCanBeAvailableThanTheRingHasWhateverHasBeenPushed() {
        SplitRing ring =
                new SplitRing(
                        SplitRing.Parts.find(
                                guestMemory, SIZE, GUEST, GUEST + AVAILABLE, GUEST + USED),
                        false,
                        false,
                        0,
                        new SplitInflight(
                                memory.asSlice(INFLIGHT, SplitInflight.bytes(SIZE)), SIZE));
        DescriptorChain chain = new DescriptorChain();
        memory.set(JAVA_LONG, 0, GUEST);
        memory.set(JAVA_INT, 8, 1);
        for (int offers = 1; offers <= SIZE; offers++) {
            memory.set(JAVA_SHORT, AVAILABLE + 2, (short) offers);
            ring.push(ring.pop(guestMemory, chain), 1);
        }
        // The client has seen none of the answers, and so has nothing to make available.
        memory.set(JAVA_SHORT, AVAILABLE + 2, (short) (SIZE + 1));
        assertThatThrownBy(() -> ring.pop(guestMemory, chain)).isInstanceOf(BadRingException.class);
    }
}
