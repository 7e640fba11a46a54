package dev.ublk4j.uapi.wire;

import static java.lang.foreign.MemoryLayout.PathElement.groupElement;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.invoke.VarHandle;

/**
 * Device numbers, {@link ParamType#UBLK_PARAM_TYPE_DEVT}: read only, those of the disk are there
 * after the start.
 *
 * <pre>{@code
 * struct ublk_param_devt {
 *     __u32 char_major;
 *     __u32 char_minor;
 *     __u32 disk_major;
 *     __u32 disk_minor;
 * };
 * }</pre>
 */
public final class ParamDevtLayout {
    /** Fields in the order, sizes and offsets of {@code struct ublk_param_devt}. */
    public static final StructLayout LAYOUT =
            MemoryLayout.structLayout(
                            JAVA_INT.withName("char_major"),
                            JAVA_INT.withName("char_minor"),
                            JAVA_INT.withName("disk_major"),
                            JAVA_INT.withName("disk_minor"))
                    .withName("ublk_param_devt");

    /** Bytes of one structure. */
    public static final int SIZE = 16;

    private static final VarHandle CHAR_MAJOR = LAYOUT.varHandle(groupElement("char_major"));
    private static final VarHandle CHAR_MINOR = LAYOUT.varHandle(groupElement("char_minor"));
    private static final VarHandle DISK_MAJOR = LAYOUT.varHandle(groupElement("disk_major"));
    private static final VarHandle DISK_MINOR = LAYOUT.varHandle(groupElement("disk_minor"));

    private ParamDevtLayout() {}

    /** {@return the major number of the character device} */
    public static int charMajor(MemorySegment segment, long base) {
        return (int) CHAR_MAJOR.get(segment, base);
    }

    /** Sets {@code char_major}, see {@link #charMajor(MemorySegment, long)}. */
    public static void charMajor(MemorySegment segment, long base, int value) {
        CHAR_MAJOR.set(segment, base, value);
    }

    /** {@return the minor number of the character device} */
    public static int charMinor(MemorySegment segment, long base) {
        return (int) CHAR_MINOR.get(segment, base);
    }

    /** Sets {@code char_minor}, see {@link #charMinor(MemorySegment, long)}. */
    public static void charMinor(MemorySegment segment, long base, int value) {
        CHAR_MINOR.set(segment, base, value);
    }

    /** {@return the major number of the block device} */
    public static int diskMajor(MemorySegment segment, long base) {
        return (int) DISK_MAJOR.get(segment, base);
    }

    /** Sets {@code disk_major}, see {@link #diskMajor(MemorySegment, long)}. */
    public static void diskMajor(MemorySegment segment, long base, int value) {
        DISK_MAJOR.set(segment, base, value);
    }

    /** {@return the minor number of the block device} */
    public static int diskMinor(MemorySegment segment, long base) {
        return (int) DISK_MINOR.get(segment, base);
    }

    /** Sets {@code disk_minor}, see {@link #diskMinor(MemorySegment, long)}. */
    public static void diskMinor(MemorySegment segment, long base, int value) {
        DISK_MINOR.set(segment, base, value);
    }
}
