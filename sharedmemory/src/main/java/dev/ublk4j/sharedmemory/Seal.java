package dev.ublk4j.sharedmemory;

import java.util.EnumSet;
import java.util.Set;

/** What can no longer be done to a memory file, by anyone ({@code F_SEAL_...} of {@code fcntl}). */
public enum Seal {
    /** Set further seals. */
    SEAL(0x1),
    /** Make it smaller: whoever maps it may rely on its pages. */
    SHRINK(0x2),
    /** Make it larger. */
    GROW(0x4),
    /** Write to it. Cannot be set while it is mapped for writing or pinned. */
    WRITE(0x8),
    /** Write to it, except through mappings that exist. */
    FUTURE_WRITE(0x10),
    /** Make it executable. */
    EXEC(0x20);

    private final int bit;

    Seal(int bit) {
        this.bit = bit;
    }

    static Set<Seal> of(int bits) {
        EnumSet<Seal> seals = EnumSet.noneOf(Seal.class);
        for (Seal seal : values()) {
            if ((bits & seal.bit) != 0) {
                seals.add(seal);
            }
        }
        return seals;
    }

    int bit() {
        return bit;
    }
}
