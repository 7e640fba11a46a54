package dev.ublk4j.vhostuser.ring;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * All memory of a client, as it was at one moment: finds the client's addresses in this process.
 * Never changes; any thread.
 */
public final class GuestMemory {
    /** No memory at all. */
    public static final GuestMemory NONE = new GuestMemory(List.of());

    private final GuestRegion[] regions;

    // Of each region, in the order of addresses. Apart from the regions, for quick access.
    private final long[] starts;
    private final long[] ends;

    private GuestMemory(List<GuestRegion> sorted) {
        regions = sorted.toArray(GuestRegion[]::new);
        starts = sorted.stream().mapToLong(GuestRegion::guest).toArray();
        ends = sorted.stream().mapToLong(GuestRegion::end).toArray();
    }

    /**
     * {@return the memory of these regions}
     *
     * @throws IllegalArgumentException when two of them overlap
     */
    public static GuestMemory of(List<GuestRegion> regions) {
        List<GuestRegion> sorted = new ArrayList<>(regions);
        sorted.sort(Comparator.comparingLong(GuestRegion::guest));
        for (int i = 1; i < sorted.size(); i++) {
            if (sorted.get(i - 1).end() > sorted.get(i).guest()) {
                throw new IllegalArgumentException(
                        "%s and %s overlap".formatted(sorted.get(i - 1), sorted.get(i)));
            }
        }
        return new GuestMemory(sorted);
    }

    /**
     * {@return the number of the region that an address lies in, or -1 for none}
     *
     * @param hint a region to look at first, any number
     */
    public int find(long guest, int hint) {
        if (hint >= 0 && hint < starts.length && guest >= starts[hint] && guest < ends[hint]) {
            return hint;
        }
        int low = 0;
        int high = starts.length - 1;
        while (low <= high) {
            int middle = (low + high) >>> 1;
            if (guest < starts[middle]) {
                high = middle - 1;
            } else if (guest >= ends[middle]) {
                low = middle + 1;
            } else {
                return middle;
            }
        }
        return -1;
    }

    /** {@return a region by its number} */
    public GuestRegion region(int number) {
        return regions[number];
    }

    /** {@return how many bytes a region has from an address in it on} */
    public long left(int number, long guest) {
        return ends[number] - guest;
    }

    /**
     * {@return the memory at an address of the client's own, as {@code SET_VRING_ADDR} gives them}
     *
     * @throws BadRingException when it does not lie in one region, or not so aligned
     */
    public MemorySegment ofUser(long user, long bytes, int alignment, String what) {
        for (GuestRegion region : regions) {
            long offset = user - region.user();
            if (offset >= 0 && bytes <= region.bytes() && offset <= region.bytes() - bytes) {
                MemorySegment memory = region.memory().asSlice(offset, bytes);
                if (memory.address() % alignment != 0) {
                    throw new BadRingException(
                            "%s at 0x%x is not aligned to %d".formatted(what, user, alignment));
                }
                return memory;
            }
        }
        throw new BadRingException(
                "%s, %d bytes at 0x%x, is outside of the memory".formatted(what, bytes, user));
    }

    @Override
    public String toString() {
        return List.of(regions).toString();
    }
}
