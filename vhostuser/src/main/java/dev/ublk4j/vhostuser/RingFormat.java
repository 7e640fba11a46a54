package dev.ublk4j.vhostuser;

import dev.ublk4j.vhostuser.ring.GuestMemory;
import dev.ublk4j.vhostuser.ring.PackedInflight;
import dev.ublk4j.vhostuser.ring.PackedRing;
import dev.ublk4j.vhostuser.ring.SplitInflight;
import dev.ublk4j.vhostuser.ring.SplitRing;
import dev.ublk4j.vhostuser.ring.Vring;
import java.lang.foreign.MemorySegment;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** The layouts of virtqueues, one of which a client chooses by its features for all its rings. */
enum RingFormat {
    /** Descriptors, available and used ones are in rings of their own. */
    SPLIT(0) {
        @Override
        long inflightBytes(int size) {
            return SplitInflight.bytes(size);
        }

        @Override
        Vring open(
                RingState ring, GuestMemory memory, long features, @Nullable MemorySegment kept) {
            int size = ring.size();
            return new SplitRing(
                    SplitRing.Parts.find(
                            memory, size, ring.descriptors(), ring.available(), ring.used()),
                    hasIndirect(features),
                    hasEventIndex(features),
                    ring.base(newBase()),
                    kept == null ? null : new SplitInflight(kept, size));
        }
    },

    /** Everything is in one ring. */
    PACKED(PackedRing.NEW_BASE) {
        @Override
        long inflightBytes(int size) {
            return PackedInflight.bytes(size);
        }

        @Override
        Vring open(
                RingState ring, GuestMemory memory, long features, @Nullable MemorySegment kept) {
            int size = ring.size();
            PackedRing.Parts parts =
                    PackedRing.Parts.find(
                            memory, size, ring.descriptors(), ring.available(), ring.used());
            int base = ring.base(newBase());
            return new PackedRing(
                    parts,
                    hasIndirect(features),
                    hasEventIndex(features),
                    base == 0 && !ring.isBaseExact() ? PackedRing.baseOfZero(parts) : base,
                    kept == null ? null : new PackedInflight(kept, size));
        }
    };

    private final int newBase;

    RingFormat(int newBase) {
        this.newBase = newBase;
    }

    /** {@return what a client has chosen} */
    static RingFormat of(long features) {
        return (features & Features.VIRTIO_F_RING_PACKED) != 0 ? PACKED : SPLIT;
    }

    private static boolean hasIndirect(long features) {
        return (features & Features.VIRTIO_RING_F_INDIRECT_DESC) != 0;
    }

    private static boolean hasEventIndex(long features) {
        return (features & Features.VIRTIO_RING_F_EVENT_IDX) != 0;
    }

    /** {@return the base of a ring of which none has been told} */
    int newBase() {
        return newBase;
    }

    /** {@return the bytes in which the requests in flight of a ring are written down} */
    abstract long inflightBytes(int size);

    /**
     * Opens a ring of which everything is known.
     *
     * @param kept where to write down what is in flight, null for nowhere
     * @throws dev.ublk4j.vhostuser.ring.BadRingException when it cannot be one
     */
    abstract Vring open(
            RingState ring, GuestMemory memory, long features, @Nullable MemorySegment kept);

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
