package dev.ublk4j.uapi.wire;

import static java.lang.foreign.MemoryLayout.PathElement.groupElement;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.invoke.VarHandle;

/**
 * All parameters of a device: payload of SET_PARAMS and GET_PARAMS.
 *
 * <pre>{@code
 * struct ublk_params {
 *     __u32 len;
 *     __u32 types;                            // UBLK_PARAM_TYPE_*
 *     struct ublk_param_basic basic;
 *     struct ublk_param_discard discard;
 *     struct ublk_param_devt devt;
 *     struct ublk_param_zoned zoned;
 *     struct ublk_param_dma_align dma;
 *     struct ublk_param_segment seg;
 *     struct ublk_param_integrity integrity;
 * };
 * }</pre>
 *
 * <p>Bytes and included types come first; a part is meant only when {@link #types} has its bit.
 * Each part is read and written by its own class at its offset here. {@link DeviceParams} is the
 * same as records, for code that is not hot.
 */
public final class ParamsLayout {
    /** Fields in the order, sizes and offsets of {@code struct ublk_params}. */
    public static final StructLayout LAYOUT =
            MemoryLayout.structLayout(
                            JAVA_INT.withName("len"),
                            JAVA_INT.withName("types"),
                            ParamBasicLayout.LAYOUT.withName("basic"),
                            ParamDiscardLayout.LAYOUT.withName("discard"),
                            ParamDevtLayout.LAYOUT.withName("devt"),
                            ParamZonedLayout.LAYOUT.withName("zoned"),
                            ParamDmaAlignLayout.LAYOUT.withName("dma"),
                            MemoryLayout.paddingLayout(4),
                            ParamSegmentLayout.LAYOUT.withName("seg"),
                            ParamIntegrityLayout.LAYOUT.withName("integrity"))
                    .withName("ublk_params");

    /** Bytes of one structure. */
    public static final int SIZE = 152;

    /** Bytes that SET_PARAMS and GET_PARAMS read first: {@code len} and {@code types}. */
    public static final int HEADER_SIZE = 8;

    /** Offset of the {@link ParamBasicLayout}. */
    public static final int BASIC = 8;

    /** Offset of the {@link ParamDiscardLayout}. */
    public static final int DISCARD = 40;

    /** Offset of the {@link ParamDevtLayout}. */
    public static final int DEVT = 60;

    /** Offset of the {@link ParamZonedLayout}. */
    public static final int ZONED = 76;

    /** Offset of the {@link ParamDmaAlignLayout}. */
    public static final int DMA = 108;

    /** Offset of the {@link ParamSegmentLayout}. */
    public static final int SEG = 120;

    /** Offset of the {@link ParamIntegrityLayout}. */
    public static final int INTEGRITY = 136;

    private static final VarHandle LEN = LAYOUT.varHandle(groupElement("len"));
    private static final VarHandle TYPES = LAYOUT.varHandle(groupElement("types"));

    private ParamsLayout() {}

    /** {@return the bytes of this structure that the other side may read or write} */
    public static int len(MemorySegment segment, long base) {
        return (int) LEN.get(segment, base);
    }

    /** Sets {@code len}, see {@link #len(MemorySegment, long)}. */
    public static void len(MemorySegment segment, long base, int value) {
        LEN.set(segment, base, value);
    }

    /** {@return the parts that are meant, see {@link ParamType}} */
    public static int types(MemorySegment segment, long base) {
        return (int) TYPES.get(segment, base);
    }

    /** Sets {@code types}, see {@link #types(MemorySegment, long)}. */
    public static void types(MemorySegment segment, long base, int value) {
        TYPES.set(segment, base, value);
    }
}
