package dev.ublk4j.sharedmemory.frames;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.ublk4j.linux.Fd;
import dev.ublk4j.linux.Mapping;
import dev.ublk4j.linux.Pages;
import dev.ublk4j.linux.call.Syscall;
import dev.ublk4j.sharedmemory.SharedMemory;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Equal frames are the same memory, whatever the kernel does with its pages. */
class FrameIdentityTest {
    private static final long HUGE = 2 << 20;
    private static final int FALLOC_KEEP_SIZE = 1;
    private static final int FALLOC_PUNCH_HOLE = 2;
    private static final int MADV_COLLAPSE = 25;
    private static final int MAP_FIXED = 0x10;
    private static final int MADV_PAGEOUT = 21;

    private final Arena arena = Arena.ofShared();
    private final PageFrames frames = PageFrames.synthetic();

    @AfterEach
    void close() {
        frames.close();
        arena.close();
    }

    private long number(MemorySegment memory, long page) {
        long[] into = new long[1];
        assertThat(frames.read(memory.address() + page * Pages.SIZE, 1, false, into)).isZero();
        return into[0];
    }

    private static long advise(MemorySegment memory, int advice) {
        return Syscall.call(Syscall.Call.MADVISE, memory.address(), memory.byteSize(), advice);
    }

    /** Maps a file where the kernel can put a huge page behind it. */
    private MemorySegment aligned(SharedMemory memory) {
        long length = memory.size();
        MemorySegment room = Mapping.anonymous(length + HUGE, Mapping.MAP_PRIVATE, arena);
        long offset = -room.address() & (HUGE - 1);
        long answer =
                Syscall.call(
                        Syscall.Call.MMAP,
                        room.address() + offset,
                        length,
                        Mapping.PROT_READ | Mapping.PROT_WRITE,
                        Mapping.MAP_SHARED | MAP_FIXED,
                        memory.fd().number(),
                        0);
        assertThat(answer).isEqualTo(room.address() + offset);
        return room.asSlice(offset, length);
    }

    /** Two mappings of one memory, another memory, and what of the first two is told to be one. */
    private void assertThatEqualNumbersAreOneMemory(List<MemorySegment> mappings) {
        for (MemorySegment one : mappings) {
            for (MemorySegment other : mappings) {
                for (long page : new long[] {0, 1, HUGE / Pages.SIZE / 2}) {
                    if (number(one, page) == number(other, page)) {
                        long offset = page * Pages.SIZE + 7;
                        byte before = other.get(JAVA_BYTE, offset);
                        MemorySegment writable = one.isReadOnly() ? other : one;
                        if (!writable.isReadOnly()) {
                            writable.set(JAVA_BYTE, offset, (byte) (before + 1));
                            assertThat(one.get(JAVA_BYTE, offset))
                                    .isEqualTo(other.get(JAVA_BYTE, offset));
                        }
                    }
                }
            }
        }
    }

    @Test
    void framesStayThoseOfTheirMemoryWhenThePagesAreCollapsedIntoHugeOnes() {
        try (SharedMemory memory = SharedMemory.create("test", 2 * HUGE);
                SharedMemory another = SharedMemory.create("test", 2 * HUGE)) {
            MemorySegment one = aligned(memory);
            MemorySegment other = memory.map(arena, true);
            MemorySegment foreign = another.map(arena, false);
            one.fill((byte) 1);
            foreign.fill((byte) 2);
            long first = number(one, 3);
            long kernels = KernelFrames.at(one, 3);

            assumeTrue(advise(one, MADV_COLLAPSE) == 0, "the kernel collapses pages on demand");

            assertThat(KernelFrames.at(one, 3)).as("the page has moved").isNotEqualTo(kernels);
            assertThat(number(one, 3)).isEqualTo(first);
            assertThat(number(other, 3)).isEqualTo(first);
            assertThat(number(foreign, 3)).isNotEqualTo(first);
        }
    }

    @Test
    void framesStayWhenPagesAreTakenOutOfTheFileOrTheFileIsCutAndGrows() {
        try (SharedMemory memory = SharedMemory.create("test", HUGE)) {
            MemorySegment one = memory.map(arena, false);
            MemorySegment other = memory.map(arena, false);
            one.fill((byte) 1);
            long first = number(one, 5);

            long punched =
                    Syscall.call(
                            Syscall.Call.FALLOCATE,
                            memory.fd().number(),
                            FALLOC_PUNCH_HOLE | FALLOC_KEEP_SIZE,
                            0,
                            HUGE);
            assertThat(punched).isZero();
            assertThat(number(other, 5)).isEqualTo(first);
            assertThatEqualNumbersAreOneMemory(List.of(one, other));

            memory.fd().truncate(0);
            memory.fd().truncate(HUGE);
            assertThat(number(one, 5)).isEqualTo(first);
            assertThat(number(other, 5)).isEqualTo(first);
            assertThatEqualNumbersAreOneMemory(List.of(one, other));
        }
    }

    @Test
    void framesStayWhenPagesAreSwappedOut() {
        try (SharedMemory memory = SharedMemory.create("test", HUGE)) {
            MemorySegment one = memory.map(arena, false);
            MemorySegment other = memory.map(arena, false);
            one.fill((byte) 1);
            long first = number(one, 5);

            assumeTrue(advise(one, MADV_PAGEOUT) == 0, "pages can be sent away");

            assertThat(number(one, 5)).isEqualTo(first);
            assertThat(number(other, 5)).isEqualTo(first);
        }
    }

    @Test
    void memoryOfEveryKindIsTakenForTheSameOnlyWhereItIs(@TempDir Path folder) throws Throwable {
        try (SharedMemory memory = SharedMemory.create("test", HUGE);
                SharedMemory file = SharedMemory.createFile(folder.resolve("file"), HUGE, 0600);
                SystemV segment = SystemV.create(HUGE)) {
            MemorySegment attached = segment.attach();
            MemorySegment again = segment.attach();
            int readWrite = Mapping.PROT_READ | Mapping.PROT_WRITE;
            List<MemorySegment> mappings = new ArrayList<>();
            for (SharedMemory each : List.of(memory, file)) {
                mappings.add(each.map(arena, false));
                mappings.add(each.map(arena, false));
                mappings.add(each.map(arena, true));
                mappings.add(
                        Mapping.map(each.fd(), 0, HUGE, readWrite, Mapping.MAP_PRIVATE, arena));
                mappings.add(
                        Mapping.map(each.fd(), 0, HUGE, readWrite, Mapping.MAP_PRIVATE, arena));
            }
            mappings.add(Mapping.anonymous(HUGE, Mapping.MAP_SHARED, arena));
            mappings.add(Mapping.anonymous(HUGE, Mapping.MAP_SHARED, arena));
            mappings.add(Mapping.anonymous(HUGE, Mapping.MAP_PRIVATE, arena));
            mappings.add(attached);
            mappings.add(again);

            assertThatEqualNumbersAreOneMemory(mappings);
            assertThat(number(mappings.get(1), 1)).isEqualTo(number(mappings.get(0), 1));
            assertThat(number(mappings.get(2), 1)).isEqualTo(number(mappings.get(0), 1));
            SystemV.detach(attached);
            SystemV.detach(again);
        }
    }

    /** Its number is its inode's, and memfds count theirs on the same device. */
    @Test
    void aSegmentOfSystemVIsNotTheMemfdWhoseInodeHasItsNumber() throws Throwable {
        try (SharedMemory memory = SharedMemory.create("test", HUGE)) {
            try (SystemV segment = SystemV.create(HUGE, memory.identity().inode())) {
                assumeTrue(segment.id == memory.identity().inode(), "it got the number");
                MemorySegment mapped = memory.map(arena, false);
                MemorySegment attached = segment.attach();

                assertThat(number(attached, 0)).isNotEqualTo(number(mapped, 0));
                SystemV.detach(attached);
            }
        }
    }

    @Test
    void aFileOfAFileSystemThatIsNotKnownIsKnownByItsAddress() {
        // Its pages cannot be shared for writing, and its numbers are anybody's guess.
        Path file = Path.of("/sys/kernel/btf/vmlinux");
        assumeTrue(Files.isReadable(file), "a file of sysfs can be mapped");
        try (Fd fd = Fd.open(file, Fd.O_RDONLY)) {
            MemorySegment mapped =
                    Mapping.map(fd, 0, Pages.SIZE, Mapping.PROT_READ, Mapping.MAP_PRIVATE, arena);

            assertThat(number(mapped, 0)).isEqualTo(mapped.address() >>> Pages.SHIFT);
        }
    }

    @Test
    void aDeletedFileKeepsItsFrames(@TempDir Path folder) throws IOException {
        Path path = folder.resolve("file");
        try (SharedMemory file = SharedMemory.createFile(path, HUGE, 0600)) {
            MemorySegment one = file.map(arena, false);
            long before = number(one, 1);
            Files.delete(path);

            assertThat(number(one, 1)).isEqualTo(before);
            assertThat(number(file.map(arena, false), 1)).isEqualTo(before);
            try (SharedMemory next = SharedMemory.createFile(path, HUGE, 0600)) {
                assertThat(number(next.map(arena, false), 1)).isNotEqualTo(before);
            }
        }
    }
}
