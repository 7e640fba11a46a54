package dev.ublk4j.uring;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.Fd;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.linux.socket.Socket;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;

/** File operations, registered files and registered buffers. */
@ParameterizedClass
@EnumSource(RingKind.class)
class RingFilesTest {
    private static final int LENGTH = 8192;

    @Parameter RingKind kind = RingKind.DEFERRED;
    @TempDir Path folder;

    private final Arena arena = Arena.ofConfined();
    private final MemorySegment source = arena.allocate(LENGTH, 4096);
    private final MemorySegment target = arena.allocate(LENGTH, 4096);
    private Ring ring;
    private Fd file;

    @BeforeEach
    void open() {
        ring = Ring.open(kind.options().withEntries(8));
        file = Fd.open(folder.resolve("file"), Fd.O_RDWR | Fd.O_CREAT, 0600);
        for (int i = 0; i < LENGTH; i++) {
            source.set(JAVA_BYTE, i, (byte) (i * 31 + (i >> 8)));
        }
    }

    @AfterEach
    void close() {
        if (ring != null) {
            ring.close();
            file.close();
        }
        arena.close();
    }

    private int result() {
        return Completions.resultOf(ring);
    }

    private void assertRoundTrip() {
        assertThat(target.mismatch(source)).as("first difference").isEqualTo(-1);
    }

    @Test
    void whatIsWrittenIsRead() {
        ring.write(file.number(), source.address(), LENGTH, 512, 1);
        assertThat(result()).isEqualTo(LENGTH);
        ring.read(file.number(), target.address(), LENGTH, 512, 2);
        assertThat(result()).isEqualTo(LENGTH);

        assertRoundTrip();
        ring.read(file.number(), target.address(), LENGTH, 512 + LENGTH - 10, 3);
        assertThat(result()).isEqualTo(10);
    }

    @Test
    void vectorsAreWrittenAndRead() {
        MemorySegment out =
                arena.allocateFrom(
                        JAVA_LONG, source.address(), 100, source.address() + 100, LENGTH - 100);
        MemorySegment in =
                arena.allocateFrom(
                        JAVA_LONG, target.address(), 5000, target.address() + 5000, LENGTH - 5000);
        ring.writeVector(file.number(), out.address(), 2, 0, 1);
        assertThat(result()).isEqualTo(LENGTH);
        ring.readVector(file.number(), in.address(), 2, 0, 2);
        assertThat(result()).isEqualTo(LENGTH);

        assertRoundTrip();
    }

    @Test
    void allOfAMessageIsSentAndReceived() {
        Socket[] pair = Socket.pair();
        try (Socket one = pair[0];
                Socket other = pair[1]) {
            MemorySegment vector =
                    arena.allocateFrom(
                            JAVA_LONG, source.address(), 100, source.address() + 100, LENGTH - 100);
            MemorySegment message = arena.allocate(56, 8);
            message.setAtIndex(JAVA_LONG, 2, vector.address());
            message.setAtIndex(JAVA_LONG, 3, 2);
            // The receiver waits for all of it, however it is sent.
            ring.receive(other.fd().number(), target.address(), LENGTH, IoUring.MSG_WAITALL, 2);
            assertThat(one.write(source.asSlice(0, 100))).isEqualTo(100);
            vector.setAtIndex(JAVA_LONG, 0, source.address() + 100);
            vector.setAtIndex(JAVA_LONG, 1, 1000);
            vector.setAtIndex(JAVA_LONG, 2, source.address() + 1100);
            vector.setAtIndex(JAVA_LONG, 3, LENGTH - 1100);
            ring.sendMessage(one.fd().number(), message.address(), IoUring.MSG_WAITALL, 1);

            Completions completions = new Completions().await(ring, 2);

            assertThat(completions.result(1)).isEqualTo(LENGTH - 100);
            assertThat(completions.result(2)).isEqualTo(LENGTH);
            assertRoundTrip();
        }
    }

    @Test
    void linkedEntriesRunInOrder() {
        ring.reserve(3);
        ring.write(file.number(), source.address(), LENGTH, 0, 1);
        ring.setSqeFlags(IoUring.IOSQE_IO_LINK);
        ring.fsync(file.number(), true, 2);
        ring.setSqeFlags(IoUring.IOSQE_IO_LINK);
        ring.read(file.number(), target.address(), LENGTH, 0, 3);

        Completions completions = new Completions().await(ring, 3);

        assertThat(completions.result(1)).isEqualTo(LENGTH);
        assertThat(completions.result(2)).isZero();
        assertThat(completions.result(3)).isEqualTo(LENGTH);
        assertRoundTrip();
    }

    @Test
    void syncingAnswersZeroAndABadDescriptorEbadf() {
        ring.fsync(file.number(), false, 1);
        assertThat(result()).isZero();
        ring.fsync(-1, false, 2);
        assertThat(result()).isEqualTo(Errno.EBADF.negated());
    }

    @Test
    void aPunchedHoleReadsAsZeros() {
        ring.write(file.number(), source.address(), LENGTH, 0, 1);
        assertThat(result()).isEqualTo(LENGTH);
        ring.fallocate(
                file.number(),
                Fallocate.FALLOC_FL_PUNCH_HOLE | Fallocate.FALLOC_FL_KEEP_SIZE,
                4096,
                1024,
                2);
        int punched = result();
        assumeTrue(punched != Errno.EOPNOTSUPP.negated(), "the file system punches no holes");
        assertThat(punched).isZero();

        ring.read(file.number(), target.address(), LENGTH, 0, 3);
        assertThat(result()).isEqualTo(LENGTH);
        assertThat(target.asSlice(4096, 1024).toArray(JAVA_BYTE)).containsOnly((byte) 0);
        source.asSlice(4096, 1024).fill((byte) 0);
        assertRoundTrip();
    }

    @Test
    void registeredBuffersAreWrittenAndRead() {
        ring.registerBuffers(source, target);
        ring.writeFixed(file.number(), source.address(), LENGTH, 0, 0, 1);
        assertThat(result()).isEqualTo(LENGTH);
        ring.readFixed(file.number(), target.address(), LENGTH, 0, 1, 2);
        assertThat(result()).isEqualTo(LENGTH);

        assertRoundTrip();
        ring.readFixed(file.number(), source.address(), LENGTH, 0, 1, 3);
        assertThat(result()).as("outside of the buffer").isEqualTo(Errno.EFAULT.negated());
        ring.unregisterBuffers();
        ring.readFixed(file.number(), target.address(), LENGTH, 0, 1, 4);
        assertThat(result()).isEqualTo(Errno.EFAULT.negated());
    }

    @Test
    void aSparseTableOfBuffersIsFilledAndEmptied() {
        ring.registerSparseBuffers(16384);
        ring.writeFixed(file.number(), source.address(), LENGTH, 0, 16383, 1);
        assertThat(result()).as("empty slot").isEqualTo(Errno.EFAULT.negated());

        ring.updateBuffer(16383, source.address(), LENGTH);
        ring.updateBuffer(0, target.address(), LENGTH);
        ring.writeFixed(file.number(), source.address(), LENGTH, 0, 16383, 2);
        assertThat(result()).isEqualTo(LENGTH);
        ring.readFixed(file.number(), target.address(), LENGTH, 0, 0, 3);
        assertThat(result()).isEqualTo(LENGTH);
        assertRoundTrip();

        ring.clearBuffer(0);
        ring.readFixed(file.number(), target.address(), LENGTH, 0, 0, 4);
        assertThat(result()).isEqualTo(Errno.EFAULT.negated());
    }

    @Test
    void theReleaseOfABufferIsTold() {
        ring.registerSparseBuffers(4);
        ring.updateBuffer(2, source.address(), LENGTH, 0xcafe);
        assertThat(ring.submitAndWait(1, 0)).isEqualTo(Errno.ETIME.negated());

        ring.clearBuffer(2);

        assertThat(new Completions().await(ring, 1).result(0xcafe)).isZero();
    }

    @Test
    void moreBuffersThanTheKernelHasRoomForAreRefused() {
        assertThatThrownBy(() -> ring.registerSparseBuffers(16385))
                .isInstanceOfSatisfying(
                        LinuxException.class,
                        e -> {
                            assertThat(e.call()).isEqualTo("io_uring_register(REGISTER_BUFFERS2)");
                            assertThat(e.errno()).isEqualTo(Errno.EINVAL);
                        });
    }

    @Test
    void registeredFilesAreUsedByTheirSlot() {
        ring.registerFiles(new int[] {-1, file.number()});
        ring.write(1, source.address(), LENGTH, 0, 1);
        ring.setSqeFlags(IoUring.IOSQE_FIXED_FILE);
        assertThat(result()).isEqualTo(LENGTH);
        ring.read(0, target.address(), LENGTH, 0, 2);
        ring.setSqeFlags(IoUring.IOSQE_FIXED_FILE);
        assertThat(result()).as("empty slot").isEqualTo(Errno.EBADF.negated());

        ring.updateFile(0, file.number());
        ring.read(0, target.address(), LENGTH, 0, 3);
        ring.setSqeFlags(IoUring.IOSQE_FIXED_FILE);
        assertThat(result()).isEqualTo(LENGTH);
        assertRoundTrip();
    }

    @Test
    void aSparseTableOfFilesIsFilledAndEmptied() {
        ring.registerSparseFiles(1000);
        ring.updateFile(999, file.number());
        ring.write(999, source.address(), LENGTH, 0, 1);
        ring.setSqeFlags(IoUring.IOSQE_FIXED_FILE);
        assertThat(result()).isEqualTo(LENGTH);

        ring.updateFile(999, -1);
        ring.write(999, source.address(), LENGTH, 0, 2);
        ring.setSqeFlags(IoUring.IOSQE_FIXED_FILE);
        assertThat(result()).isEqualTo(Errno.EBADF.negated());

        ring.unregisterFiles();
        assertThatThrownBy(() -> ring.updateFile(0, file.number()))
                .isInstanceOf(LinuxException.class)
                .hasMessageContaining("io_uring_register(REGISTER_FILES_UPDATE)")
                .hasMessageContaining("ENXIO");
    }
}
