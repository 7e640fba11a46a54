package dev.ublk4j.uapi.wire;

import static java.lang.foreign.MemoryLayout.PathElement.groupElement;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.invoke.VarHandle;

/**
 * Limits of a zoned device, {@link ParamType#UBLK_PARAM_TYPE_ZONED}.
 *
 * <pre>{@code
 * struct ublk_param_zoned {
 *     __u32 max_open_zones;
 *     __u32 max_active_zones;
 *     __u32 max_zone_append_sectors;  // sectors
 *     __u8 reserved[20];
 * };
 * }</pre>
 */
public final class ParamZonedLayout {
    /** Fields in the order, sizes and offsets of {@code struct ublk_param_zoned}. */
    public static final StructLayout LAYOUT =
            MemoryLayout.structLayout(
                            JAVA_INT.withName("max_open_zones"),
                            JAVA_INT.withName("max_active_zones"),
                            JAVA_INT.withName("max_zone_append_sectors"),
                            MemoryLayout.sequenceLayout(20, JAVA_BYTE).withName("reserved"))
                    .withName("ublk_param_zoned");

    /** Bytes of one structure. */
    public static final int SIZE = 32;

    private static final VarHandle MAX_OPEN_ZONES =
            LAYOUT.varHandle(groupElement("max_open_zones"));
    private static final VarHandle MAX_ACTIVE_ZONES =
            LAYOUT.varHandle(groupElement("max_active_zones"));
    private static final VarHandle MAX_ZONE_APPEND_SECTORS =
            LAYOUT.varHandle(groupElement("max_zone_append_sectors"));

    private ParamZonedLayout() {}

    /** {@return the most zones open at once, 0 for no limit} */
    public static int maxOpenZones(MemorySegment segment, long base) {
        return (int) MAX_OPEN_ZONES.get(segment, base);
    }

    /** Sets {@code max_open_zones}, see {@link #maxOpenZones(MemorySegment, long)}. */
    public static void maxOpenZones(MemorySegment segment, long base, int value) {
        MAX_OPEN_ZONES.set(segment, base, value);
    }

    /** {@return the most zones active at once, 0 for no limit} */
    public static int maxActiveZones(MemorySegment segment, long base) {
        return (int) MAX_ACTIVE_ZONES.get(segment, base);
    }

    /** Sets {@code max_active_zones}, see {@link #maxActiveZones(MemorySegment, long)}. */
    public static void maxActiveZones(MemorySegment segment, long base, int value) {
        MAX_ACTIVE_ZONES.set(segment, base, value);
    }

    /** {@return the largest zone append in sectors} */
    public static int maxZoneAppendSectors(MemorySegment segment, long base) {
        return (int) MAX_ZONE_APPEND_SECTORS.get(segment, base);
    }

    /**
     * Sets {@code max_zone_append_sectors}, see {@link #maxZoneAppendSectors(MemorySegment, long)}.
     */
    public static void maxZoneAppendSectors(MemorySegment segment, long base, int value) {
        MAX_ZONE_APPEND_SECTORS.set(segment, base, value);
    }
}
