package dev.ublk4j.targets;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;

import dev.ublk4j.embedded.ClientMemory;
import dev.ublk4j.embedded.Disk;
import dev.ublk4j.embedded.DiskRequest;
import dev.ublk4j.embedded.EmbeddedDriver;
import dev.ublk4j.linux.call.Syscall;
import dev.ublk4j.server.Device;
import dev.ublk4j.server.DeviceOptions;
import dev.ublk4j.server.SharedBuffer;
import dev.ublk4j.sharedmemory.SharedMemory;
import dev.ublk4j.uapi.Feature;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@DisplayName("Shared memory whose pages are punched out")
class PunchedMemoryTest {
    private static final int SIZE = 1 << 20;
    private static final int PUNCH_HOLE_KEEP_SIZE = 3;

    @Test
    void getsTheDataOfAFileIntoItsNewPages(@TempDir Path folder) throws IOException {
        Path file = folder.resolve("disk.img");
        byte[] content = new byte[SIZE];
        Arrays.fill(content, (byte) 7);
        Files.write(file, content);
        BackingFile backing = BackingFile.open(file, BackingFile.Caching.BUFFERED, false);
        try (EmbeddedDriver driver = EmbeddedDriver.create();
                Device device =
                        Device.start(
                                driver,
                                new FileTarget(backing),
                                DeviceOptions.defaults().with(Feature.SHMEM_ZC));
                SharedMemory memory = SharedMemory.create("client", SIZE);
                Arena arena = Arena.ofShared();
                SharedBuffer buffer = device.share(memory.map(arena, false), false);
                Disk disk = driver.openBlock(device.id());
                ClientMemory client = new ClientMemory(memory.map(arena, false))) {
            assertThat(buffer.index()).isZero();
            for (int round = 1; round <= 3; round++) {
                CompletableFuture<Long> done = new CompletableFuture<>();
                disk.submit(
                        new DiskRequest((_, result) -> done.complete(result))
                                .read(0)
                                .add(client, 0, SIZE / 2));
                assertThat(done.join()).isEqualTo(SIZE / 2);
                assertThat(device.counters().sharedRequests()).isEqualTo(round);
                assertThat(client.memory().get(JAVA_BYTE, SIZE / 4)).isEqualTo((byte) 7);
                long punched =
                        Syscall.call(
                                Syscall.Call.FALLOCATE,
                                memory.fd().number(),
                                PUNCH_HOLE_KEEP_SIZE,
                                0,
                                SIZE);
                assertThat(punched).isZero();
            }
        }
    }
}
