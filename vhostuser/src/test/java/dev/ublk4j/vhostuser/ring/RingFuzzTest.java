package dev.ublk4j.vhostuser.ring;

import static dev.ublk4j.vhostuser.ring.FuzzedRing.AVAILABLE;
import static dev.ublk4j.vhostuser.ring.FuzzedRing.GUEST;
import static dev.ublk4j.vhostuser.ring.FuzzedRing.GUEST_MEMORY;
import static dev.ublk4j.vhostuser.ring.FuzzedRing.MEMORY;
import static dev.ublk4j.vhostuser.ring.FuzzedRing.SIZE;
import static dev.ublk4j.vhostuser.ring.FuzzedRing.USED;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Timeout;

/** Whatever a client's memory holds, a split ring is served or found to be bad, nothing else. */
@Timeout(value = 6, unit = TimeUnit.MINUTES) // when it fuzzes, which is for five by default
final class RingFuzzTest {
    @FuzzTest
    void anythingCanBeInTheMemoryOfARing(byte[] data) {
        int flags = FuzzedRing.fill(data);
        FuzzedRing.serve(() ->
                new SplitRing(
                        SplitRing.Parts.find(
                                GUEST_MEMORY, SIZE, GUEST, GUEST + AVAILABLE, GUEST + USED),
                        (flags & 1) != 0,
                        (flags & 2) != 0,
                        0,
                        (flags & 4) == 0
                                ? null
                                : new SplitInflight(MEMORY.asSlice(4096, 512), SIZE)));
    }
}
