package dev.ublk4j.embedded;

import static org.assertj.core.api.Assertions.assertThat;

import dev.ublk4j.linux.Errno;
import dev.ublk4j.sharedmemory.SharedMemory;
import dev.ublk4j.sharedmemory.frames.PageFrames;
import dev.ublk4j.uapi.Feature;
import dev.ublk4j.uapi.IoFlag;
import dev.ublk4j.uapi.wire.IoDescLayout;
import dev.ublk4j.uapi.wire.ShmemAddress;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** A driver that numbers page frames by what is mapped, whoever it runs as. */
final class NumberedFramesTest {
    private static final int PAGE = 4096;

    private final EmbeddedDriver driver =
            EmbeddedDriver.create(EmbeddedOptions.defaults().withNumberedFrames(true));
    private final Commands commands = new Commands(driver);
    private final List<Long> results = new ArrayList<>();

    private int add() {
        int id = commands.add(1, 4, Feature.UBLK_F_SHMEM_ZC);
        assertThat(commands.setParams(id, Commands.params(1 << 22))).isZero();
        return id;
    }

    private static long firstFrame(MemorySegment memory) {
        try (PageFrames frames = PageFrames.synthetic()) {
            return frames.ranges(memory.address(), memory.byteSize()).getFirst().firstFrame();
        }
    }

    @Test
    void whoeverMapsTheFileKnowsTheFrames() {
        int id = add();
        try (Arena arena = Arena.ofShared();
                SharedMemory shared = SharedMemory.create("numbered", 64 * PAGE);
                OneThread server = new OneThread(driver, id, 4, 65536)) {
            MemorySegment servers = shared.map(arena, false);
            assertThat(commands.register(id, servers.address(), 64 * PAGE, 0)).isZero();
            server.fetchAll();
            assertThat(commands.start(id)).isZero();
            MemorySegment clients = shared.map(arena, false);
            long frame = firstFrame(clients);
            try (Disk disk = driver.openBlock(id)) {
                disk.submit(
                        new DiskRequest((request, result) -> results.add(result))
                                .write(0)
                                .add(clients.address() + 5 * PAGE, frame + 5, 0, PAGE));
                server.run();
                assertThat(IoDescLayout.flags(server.descriptors, 0))
                        .isEqualTo(IoFlag.UBLK_IO_F_SHMEM_ZC);
                assertThat(IoDescLayout.addr(server.descriptors, 0))
                        .isEqualTo(ShmemAddress.of(0, 5 * PAGE));
                server.answerNext();
                assertThat(results).containsExactly((long) PAGE);
            }
            assertThat(commands.register(id, servers.address(), PAGE, 0))
                    .isEqualTo(Errno.EEXIST.negated());
            assertThat(commands.unregister(id, 0)).isZero();
            assertThat(commands.stop(id)).isZero();
        }
        assertThat(commands.delete(id)).isZero();
    }

    @Test
    void memoryThatIsNotThereIsRefused() {
        int id = add();
        assertThat(commands.register(id, PAGE, PAGE, 0)).isEqualTo(Errno.EFAULT.negated());
        assertThat(commands.delete(id)).isZero();
    }
}
