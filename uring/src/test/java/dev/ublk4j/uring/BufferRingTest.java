package dev.ublk4j.uring;

import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.EventFd;
import dev.ublk4j.linux.Fd;
import dev.ublk4j.linux.LinuxException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;

@ParameterizedClass
@EnumSource(RingKind.class)
class BufferRingTest {
    private static final int GROUP = 40_000;

    @Parameter RingKind kind = RingKind.DEFERRED;
    @TempDir Path folder;

    private final Arena arena = Arena.ofConfined();
    private final MemorySegment memory = arena.allocate(4096, 4096);

    @AfterEach
    void close() {
        arena.close();
    }

    private Ring open() {
        return Ring.open(kind.options());
    }

    @Test
    void theKernelTakesTheBuffersInTheirOrder() {
        try (Ring ring = open();
                BufferRing buffers = ring.openBufferRing(GROUP, 4, false);
                EventFd event = EventFd.nonBlocking()) {
            buffers.add(memory.address(), 8, 65535);
            buffers.add(memory.address() + 8, 8, 7);
            buffers.publish();

            for (int i = 0; i < 2; i++) {
                event.signal();
                ring.read(event.fd().number(), 0, 8, 0, i);
                ring.selectBuffer(GROUP);

                Completions.Completion completion = new Completions().await(ring, 1).of(i);
                assertThat(completion.result()).isEqualTo(8);
                assertThat(BufferRing.bufferId(completion.flags())).isEqualTo(i == 0 ? 65535 : 7);
                assertThat(memory.get(JAVA_LONG, i * 8L)).isEqualTo(1);
            }
        }
    }

    @Test
    void withoutABufferTheOperationFailsWithEnobufsAndWithANewOneItGoesOn() {
        try (Ring ring = open();
                BufferRing buffers = ring.openBufferRing(GROUP, 2, false);
                EventFd event = EventFd.nonBlocking()) {
            for (int round = 0; round < 70_000; round += 7_000) {
                event.signal();
                ring.read(event.fd().number(), 0, 8, 0, 1);
                ring.selectBuffer(GROUP);
                assertThat(Completions.resultOf(ring)).isEqualTo(Errno.ENOBUFS.negated());

                buffers.add(memory.address(), 8, 3);
                buffers.publish();
                ring.read(event.fd().number(), 0, 8, 0, 2);
                ring.selectBuffer(GROUP);
                assertThat(Completions.resultOf(ring)).isEqualTo(8);
            }
        }
    }

    @Test
    void anIncrementalBufferIsUsedUpPieceByPiece() throws Exception {
        Path file = Files.writeString(folder.resolve("file"), "0123456789");
        try (Ring ring = open();
                Fd fd = Fd.open(file, Fd.O_RDONLY);
                BufferRing buffers = ring.openBufferRing(GROUP, 1, true)) {
            buffers.add(memory.address(), 4096, 5);
            buffers.publish();

            for (int i = 0; i < 2; i++) {
                ring.read(fd.number(), 0, 5, i * 5L, i);
                ring.selectBuffer(GROUP);
                Completions.Completion completion = new Completions().await(ring, 1).of(i);
                assertThat(completion.result()).isEqualTo(5);
                assertThat(BufferRing.bufferId(completion.flags())).isEqualTo(5);
                assertThat(completion.flags() & IoUring.IORING_CQE_F_BUF_MORE).isNotZero();
            }

            assertThat(memory.getString(0)).isEqualTo("0123456789");
        }
    }

    @Test
    void aGroupCanBeOpenedOnceAtATime() {
        try (Ring ring = open()) {
            BufferRing first = ring.openBufferRing(GROUP, 1, false);
            assertThatThrownBy(() -> ring.openBufferRing(GROUP, 1, false))
                    .isInstanceOf(LinuxException.class)
                    .hasMessageContaining("io_uring_register(REGISTER_PBUF_RING)")
                    .hasMessageContaining("EEXIST");

            first.close();
            first.close();
            assertThat(first.toString()).contains("closed");

            ring.openBufferRing(GROUP, 1, false).close();
        }
    }

    @Test
    void itMayBeClosedAfterItsRing() {
        BufferRing buffers;
        try (Ring ring = open()) {
            buffers = ring.openBufferRing(GROUP, 16, false);
            assertThat(buffers.entries()).isEqualTo(16);
            assertThat(buffers.group()).isEqualTo(GROUP);
        }

        buffers.close();

        assertThatThrownBy(buffers::publish).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void whatCannotBeARingIsRefused() {
        try (Ring ring = open()) {
            assertThatThrownBy(() -> ring.openBufferRing(0, 3, false))
                    .isInstanceOf(IllegalArgumentException.class);
            assertThatThrownBy(() -> ring.openBufferRing(65536, 4, false))
                    .isInstanceOf(IllegalArgumentException.class);
        }
    }
}
