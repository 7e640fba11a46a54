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

/** Whatever a client's memory holds, a packed ring is served or found to be bad, nothing else. */
@Timeout(value = 6, unit = TimeUnit.MINUTES) // when it fuzzes, which is for five by default
final class PackedRingFuzzTest {
    @FuzzTest
    void anythingCanBeInTheMemoryOfAPackedRing(byte[] data) {
        int flags = FuzzedRing.fill(data);
        int start = flags >> 3 & 0xf | (flags < 0 ? 0 : 1 << 15);
        FuzzedRing.serve(() ->
                new PackedRing(
                        PackedRing.Parts.find(
                                GUEST_MEMORY, SIZE, GUEST, GUEST + AVAILABLE, GUEST + USED),
                        (flags & 1) != 0,
                        (flags & 2) != 0,
                        start | start << 16,
                        (flags & 4) == 0
                                ? null
                                : new PackedInflight(MEMORY.asSlice(4096, 576), SIZE)));
    }
}
