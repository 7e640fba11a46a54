package dev.ublk4j.linux;

import dev.ublk4j.linux.call.Syscall;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** Memory mapped into the process for as long as an arena lives. */
@SuppressWarnings("restricted") // gives mapped addresses a size: the reason this class exists
public final class Mapping {
    /** Pages may be read. */
    public static final int PROT_READ = 1;

    /** Pages may be written. */
    public static final int PROT_WRITE = 2;

    /** Changes are seen by everyone who maps the file. */
    public static final int MAP_SHARED = 1;

    /** Changes are the process's own. */
    public static final int MAP_PRIVATE = 2;

    /** No file behind it. */
    public static final int MAP_ANONYMOUS = 0x20;

    /** Set no swap space aside. */
    public static final int MAP_NORESERVE = 0x4000;

    /** Fault every page in at once. */
    public static final int MAP_POPULATE = 0x8000;

    /** Use huge pages of the default size. */
    public static final int MAP_HUGETLB = 0x40000;

    private static final int MADV_DONTNEED = 4;
    private static final int MADV_HUGEPAGE = 14;
    private static final long HUGE_PAGE = 2 << 20;
    private static final int MAX_ERRNO = 4095;

    private Mapping() {}

    /**
     * Maps part of a file.
     *
     * @param offset first byte, a multiple of the page size
     * @param length bytes
     * @param protection {@code PROT_...} flags; without {@link #PROT_WRITE} the segment is
     *     read-only
     * @param flags {@code MAP_...} flags
     * @param arena unmaps when it closes
     * @throws LinuxException when the kernel refuses
     */
    public static MemorySegment map(
            Fd fd, long offset, long length, int protection, int flags, Arena arena) {
        return map(fd.number(), fd.name(), offset, length, protection, flags, arena);
    }

    /**
     * {@return the same memory, which can be used until an arena closes and is not freed then} So
     * it can be lent again to somebody else.
     *
     * @param memory outlives the arena
     */
    public static MemorySegment lend(MemorySegment memory, Arena arena) {
        return memory.reinterpret(arena, null);
    }

    /**
     * Maps memory without a file behind it, zeroed and page aligned.
     *
     * @param flags added to {@link #MAP_ANONYMOUS}, such as {@link #MAP_PRIVATE}
     * @throws LinuxException when the kernel refuses
     */
    public static MemorySegment anonymous(long length, int flags, Arena arena) {
        return map(
                -1, "anonymous", 0, length, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS, arena);
    }

    /**
     * Maps private memory without a file behind it, zeroed, in huge pages where the kernel has them
     * to give: what is touched for the first time then costs a fraction, and takes 2 MiB at once.
     *
     * @param length bytes
     * @throws LinuxException when the kernel refuses the memory; without huge pages it is the same
     */
    public static MemorySegment hugeAnonymous(long length, Arena arena) {
        // A huge page is aligned to its size. What is not touched takes no memory.
        MemorySegment all = anonymous(Math.addExact(length, HUGE_PAGE), MAP_PRIVATE, arena);
        MemorySegment aligned = all.asSlice(-all.address() & (HUGE_PAGE - 1), length);
        long _ = Syscall.call(Syscall.Call.MADVISE, aligned.address(), length, MADV_HUGEPAGE);
        return aligned;
    }

    private static MemorySegment map(
            int fd, String name, long offset, long length, int protection, int flags, Arena arena) {
        long address = Syscall.call(Syscall.Call.MMAP, 0, length, protection, flags, fd, offset);
        if (address < 0 && address >= -MAX_ERRNO) {
            throw new LinuxException(
                    "mmap", "%s, %d bytes at %d".formatted(name, length, offset), address);
        }
        MemorySegment segment =
                MemorySegment.ofAddress(address).reinterpret(length, arena, Mapping::unmap);
        return (protection & PROT_WRITE) == 0 ? segment.asReadOnly() : segment;
    }

    /**
     * Zeroes part of an {@linkplain #anonymous anonymous} private mapping and gives whole pages of
     * it back to the system.
     *
     * @param offset first byte
     * @param length bytes
     * @return 0, or a negative errno
     */
    public static int zero(MemorySegment mapping, long offset, long length) {
        long end = Math.addExact(offset, length);
        long firstPage = Pages.ceiling(offset);
        long lastPage = Pages.floor(end);
        if (firstPage >= lastPage) {
            mapping.asSlice(offset, length).fill((byte) 0);
            return 0;
        }
        mapping.asSlice(offset, firstPage - offset).fill((byte) 0);
        mapping.asSlice(lastPage, end - lastPage).fill((byte) 0);
        long address = mapping.asSlice(firstPage, lastPage - firstPage).address();
        return (int)
                Syscall.call(Syscall.Call.MADVISE, address, lastPage - firstPage, MADV_DONTNEED);
    }

    private static void unmap(MemorySegment segment) {
        long answer = Syscall.call(Syscall.Call.MUNMAP, segment.address(), segment.byteSize(), 0);
        assert answer == 0 : "munmap: " + answer;
    }
}
