package dev.ublk4j.sharedmemory;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.Fd;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.linux.Pages;
import dev.ublk4j.sharedmemory.frames.HugePages;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

public class SharedMemoryTest {
    private static final long LENGTH = 16L * Pages.SIZE;
    private static final Path TMPFS = Path.of("/dev/shm");

    @Test
    void allMappingsShareOneMemoryThatStartsAsZeros() {
        try (SharedMemory memory = SharedMemory.create("test", LENGTH);
                Arena arena = Arena.ofConfined()) {
            MemorySegment one = memory.map(arena, false);
            MemorySegment other = memory.map(arena, true);
            assertThat(one.mismatch(arena.allocate(LENGTH))).isEqualTo(-1);

            one.setAtIndex(JAVA_INT, 5, 4711);

            assertThat(other.getAtIndex(JAVA_INT, 5)).isEqualTo(4711);
            assertThat(other.isReadOnly()).isTrue();
            assertThat(memory.size()).isEqualTo(LENGTH).isEqualTo(one.byteSize());
        }
    }

    @Test
    void aCreatedMemoryIsAMemfdOfOrdinaryPages() {
        try (SharedMemory memory = SharedMemory.create("test", LENGTH)) {
            assertThat(memory.kind()).isEqualTo(SharedMemory.Kind.MEMFD);
            assertThat(memory.pageSize()).isEqualTo(Pages.SIZE);
            assertThat(memory.seals()).doesNotContain(Seal.SEAL, Seal.SHRINK);
            assertThat(memory.isWritable()).isTrue();
        }
    }

    @Test
    void aPartIsMappedAtItsOffset() {
        try (SharedMemory memory = SharedMemory.create("test", LENGTH);
                Arena arena = Arena.ofConfined()) {
            MemorySegment all = memory.map(arena, false);
            MemorySegment part = memory.map(arena, 3L * Pages.SIZE, Pages.SIZE, false);

            part.set(JAVA_BYTE, 0, (byte) 42);

            assertThat(all.get(JAVA_BYTE, 3L * Pages.SIZE)).isEqualTo((byte) 42);
        }
    }

    @Test
    void whatIsSealedAgainstShrinkingCannotShrink() {
        try (SharedMemory memory = SharedMemory.create("test", LENGTH)) {
            assertThatErrno(Errno.EPERM, () -> memory.requireSealed(Seal.SHRINK));

            memory.seal(Seal.SHRINK);

            memory.requireSealed(Seal.SHRINK);
            assertThatErrno(Errno.EPERM, () -> memory.fd().truncate(Pages.SIZE));
            assertThat(memory.size()).isEqualTo(LENGTH);
        }
    }

    @Test
    void aWriteSealWaitsForWritableMappingsAndThenAllowsNoMore() {
        try (SharedMemory memory = SharedMemory.create("test", LENGTH);
                Arena later = Arena.ofConfined()) {
            try (Arena arena = Arena.ofConfined()) {
                memory.map(arena, false).set(JAVA_BYTE, 0, (byte) 7);
                assertThatErrno(Errno.EBUSY, () -> memory.seal(Seal.WRITE));
            }

            memory.seal(Seal.WRITE);

            assertThat(memory.isWritable()).isFalse();
            assertThatErrno(Errno.EPERM, () -> memory.map(later, false));
            assertThat(memory.map(later, true).get(JAVA_BYTE, 0)).isEqualTo((byte) 7);
        }
    }

    @Test
    void noSealFollowsTheSealOfSeals() {
        try (SharedMemory memory = SharedMemory.create("test", LENGTH)) {
            memory.seal(Seal.SEAL);

            assertThat(memory.seals()).contains(Seal.SEAL);
            assertThatErrno(Errno.EPERM, () -> memory.seal(Seal.GROW));
        }
    }

    @Test
    void anAdoptedDescriptorIsTheSameFile() {
        try (SharedMemory memory = SharedMemory.create("test", LENGTH);
                SharedMemory adopted = SharedMemory.adopt(reopened(memory));
                SharedMemory another = SharedMemory.create("test", LENGTH)) {
            assertThat(adopted.identity()).isEqualTo(memory.identity());
            assertThat(adopted.kind()).isEqualTo(SharedMemory.Kind.MEMFD);
            assertThat(adopted.size()).isEqualTo(LENGTH);
            assertThat(another.identity()).isNotEqualTo(memory.identity());
        }
    }

    private static Fd reopened(SharedMemory memory) {
        return Fd.open(Path.of("/proc/self/fd/" + memory.fd().number()), Fd.O_RDWR);
    }

    @Test
    void aMappingOutlivesTheDescriptor() {
        SharedMemory memory = SharedMemory.create("test", LENGTH);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment mapped = memory.map(arena, false);
            memory.close();
            memory.close();

            mapped.set(JAVA_BYTE, LENGTH - 1, (byte) 9);

            assertThat(mapped.get(JAVA_BYTE, LENGTH - 1)).isEqualTo((byte) 9);
        }
    }

    @Test
    void aFileOfTmpfsIsOpenedByNameAndCannotBeSealed() throws IOException {
        assumeTrue(Files.isWritable(TMPFS), TMPFS + " is there");
        Path path = TMPFS.resolve("ublk4j-test-" + ProcessHandle.current().pid());
        try (SharedMemory created = SharedMemory.createFile(path, LENGTH, 0600);
                SharedMemory opened = SharedMemory.open(path, false)) {
            assumeTrue(created.kind() == SharedMemory.Kind.TMPFS, TMPFS + " is a tmpfs");
            assertThat(opened.identity()).isEqualTo(created.identity());
            assertThat(created.isWritable()).isTrue();
            assertThat(opened.isWritable()).isFalse();
            assertThat(created.seals()).containsExactly(Seal.SEAL);
            assertThatErrno(Errno.EPERM, () -> created.seal(Seal.SHRINK));
            assertThatErrno(Errno.EEXIST, () -> SharedMemory.createFile(path, LENGTH, 0600));
        } finally {
            Files.deleteIfExists(path);
        }
    }

    @Test
    void aFileThatCannotHaveItsLengthIsNotLeftBehind(@TempDir Path folder) {
        Path path = folder.resolve("memory");

        assertThatErrno(Errno.EINVAL, () -> SharedMemory.createFile(path, -1, 0600));

        assertThat(path).doesNotExist();
    }

    @Test
    void anEmptyPathAndAMissingFileAreRefusedByName(@TempDir Path folder) {
        Path path = folder.resolve("nothing");

        assertThatThrownBy(() -> SharedMemory.open(path, true))
                .isInstanceOf(LinuxException.class)
                .hasMessageContaining(path.toString());
    }

    @Test
    void hugePagesAreMappedAndReserved() throws IOException {
        try (HugePages pool = HugePages.reserve(4);
                SharedMemory memory =
                        SharedMemory.createHuge("test", 4 * HugePages.SIZE, HugePages.SIZE);
                Arena arena = Arena.ofConfined()) {
            assertThat(pool).isNotNull();
            assertThat(memory.kind()).isEqualTo(SharedMemory.Kind.MEMFD);
            assertThat(memory.pageSize()).isEqualTo(HugePages.SIZE);
            memory.reserve();
            memory.seal(Seal.SHRINK);

            MemorySegment mapped = memory.map(arena, false);

            assertThat(mapped.address() % HugePages.SIZE).isZero();
            mapped.fill((byte) 1);
        }
    }

    @Test
    void hugePagesOfAWrongSizeOrLengthAreRefused() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> SharedMemory.createHuge("test", 1 << 20, 3 << 19));
        assertThatIllegalArgumentException()
                .isThrownBy(() -> SharedMemory.createHuge("test", 1 << 20, 2 << 20));
        assertThatThrownBy(() -> SharedMemory.createHuge("test", 1L << 40, 1L << 40))
                .isInstanceOf(LinuxException.class);
    }

    public static void assertThatErrno(Errno errno, ThrowingCallable call) {
        assertThatThrownBy(call)
                .isInstanceOfSatisfying(
                        LinuxException.class, e -> assertThat(e.errno()).isEqualTo(errno));
    }
}
