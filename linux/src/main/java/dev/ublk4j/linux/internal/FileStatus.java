package dev.ublk4j.linux.internal;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import dev.ublk4j.linux.Fd;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.linux.call.Syscall;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * What the kernel knows of an open file ({@code statx(2)}).
 *
 * @param mode type and permission bits
 * @param size bytes, 0 for a device
 * @param device number of the device that the file lies on
 * @param inode number within that device
 * @param directAlignmentKnown whether the kernel tells what direct I/O must be aligned to; the two
 *     that follow are 0 otherwise
 * @param directMemoryAlignment what the memory of direct I/O must be aligned to, 0 where there is
 *     none
 * @param directOffsetAlignment what its offset and length must be aligned to
 */
public record FileStatus(
        int mode,
        long size,
        long device,
        long inode,
        boolean directAlignmentKnown,
        int directMemoryAlignment,
        int directOffsetAlignment) {
    private static final int AT_EMPTY_PATH = 0x1000;
    private static final int STATX_BASIC_STATS = 0x7ff;
    private static final int STATX_DIOALIGN = 0x2000;
    private static final int BYTES = 256;

    // Offsets within struct statx of linux/stat.h.
    private static final int MASK = 0;
    private static final int MODE = 28;
    private static final int INODE = 32;
    private static final int SIZE = 40;
    private static final int DEVICE_MAJOR = 136;
    private static final int DEVICE_MINOR = 140;
    private static final int DIO_MEMORY = 152;
    private static final int DIO_OFFSET = 156;

    private static final int TYPE_MASK = 0xf000;
    private static final int REGULAR = 0x8000;
    private static final int BLOCK = 0x6000;
    private static final int DIRECTORY = 0x4000;
    private static final int SOCKET = 0xc000;
    private static final int LINK = 0xa000;
    private static final int PIPE = 0x1000;
    private static final int PERMISSIONS = 0xfff;

    /**
     * {@return the status of an open file}
     *
     * @throws LinuxException when the kernel refuses
     */
    public static FileStatus of(Fd fd) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment path = arena.allocateFrom("");
            MemorySegment status = arena.allocate(BYTES, Long.BYTES);
            LinuxException.check(
                    "statx",
                    fd.name(),
                    Syscall.call(
                            Syscall.Call.STATX,
                            fd.number(),
                            path.address(),
                            AT_EMPTY_PATH,
                            STATX_BASIC_STATS | STATX_DIOALIGN,
                            status.address(),
                            0));
            return new FileStatus(
                    Short.toUnsignedInt(status.get(JAVA_SHORT, MODE)),
                    status.get(JAVA_LONG, SIZE),
                    (long) status.get(JAVA_INT, DEVICE_MAJOR) << 32
                            | Integer.toUnsignedLong(status.get(JAVA_INT, DEVICE_MINOR)),
                    status.get(JAVA_LONG, INODE),
                    (status.get(JAVA_INT, MASK) & STATX_DIOALIGN) != 0,
                    status.get(JAVA_INT, DIO_MEMORY),
                    status.get(JAVA_INT, DIO_OFFSET));
        }
    }

    /** {@return whether it is a regular file} */
    public boolean isRegular() {
        return (mode & TYPE_MASK) == REGULAR;
    }

    /** {@return whether it is a block device} */
    public boolean isBlockDevice() {
        return (mode & TYPE_MASK) == BLOCK;
    }

    /** {@return whether it is a directory} */
    public boolean isDirectory() {
        return (mode & TYPE_MASK) == DIRECTORY;
    }

    /** {@return whether it is a socket in the file system} */
    public boolean isSocket() {
        return (mode & TYPE_MASK) == SOCKET;
    }

    /** {@return the permission bits} */
    public int permissions() {
        return mode & PERMISSIONS;
    }

    /** {@return whether it is the same file as another, while either is open} */
    public boolean isSameFile(FileStatus other) {
        return device == other.device && inode == other.inode;
    }

    /** {@return what kind of file it is, with its article} */
    public String kind() {
        return switch (mode & TYPE_MASK) {
            case REGULAR -> "a regular file";
            case DIRECTORY -> "a folder";
            case SOCKET -> "a socket";
            case LINK -> "a symbolic link";
            case PIPE -> "a named pipe";
            default -> "a device";
        };
    }
}
