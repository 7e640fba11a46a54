package dev.ublk4j.uapi.wire;

import static java.lang.foreign.MemoryLayout.PathElement.groupElement;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.invoke.VarHandle;

/**
 * Alignment of data, {@link ParamType#UBLK_PARAM_TYPE_DMA_ALIGN}.
 *
 * <pre>{@code
 * struct ublk_param_dma_align {
 *     __u32 alignment;  // mask
 *     __u8 pad[4];
 * };
 * }</pre>
 */
public final class ParamDmaAlignLayout {
    /** Fields in the order, sizes and offsets of {@code struct ublk_param_dma_align}. */
    public static final StructLayout LAYOUT =
            MemoryLayout.structLayout(
                            JAVA_INT.withName("alignment"),
                            MemoryLayout.sequenceLayout(4, JAVA_BYTE).withName("pad"))
                    .withName("ublk_param_dma_align");

    /** Bytes of one structure. */
    public static final int SIZE = 8;

    private static final VarHandle ALIGNMENT = LAYOUT.varHandle(groupElement("alignment"));

    private ParamDmaAlignLayout() {}

    /** {@return the mask that addresses of data must have clear, such as 511} */
    public static int alignment(MemorySegment segment, long base) {
        return (int) ALIGNMENT.get(segment, base);
    }

    /** Sets {@code alignment}, see {@link #alignment(MemorySegment, long)}. */
    public static void alignment(MemorySegment segment, long base, int value) {
        ALIGNMENT.set(segment, base, value);
    }
}
