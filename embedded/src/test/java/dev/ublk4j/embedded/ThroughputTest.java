package dev.ublk4j.embedded;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import dev.ublk4j.uapi.Feature;
import dev.ublk4j.uapi.wire.IoCommand;
import dev.ublk4j.uapi.wire.IoDescLayout;
import dev.ublk4j.uring.CompletionHandler;
import java.lang.System.Logger.Level;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.management.ManagementFactory;
import org.junit.jupiter.api.Test;

class ThroughputTest {
    private static final int DEPTH = 64;
    private static final int REQUESTS = 1_000_000;

    private long done;
    private long errors;

    @Test
    void aMillionRequestsOfOneThreadAllocateNothing() {
        EmbeddedDriver driver = EmbeddedDriver.create();
        Commands commands = new Commands(driver);
        int id = commands.add(1, DEPTH, Feature.UBLK_F_SHMEM_ZC);
        assertThat(commands.setParams(id, Commands.params(1 << 30))).isZero();
        try (OneThread server = new OneThread(driver, id, DEPTH, 4096);
                Arena arena = Arena.ofShared()) {
            server.fetchAll();
            assertThat(commands.start(id)).isZero();
            MemorySegment data = arena.allocate(DEPTH * 4096L, 4096);
            try (Disk disk = driver.openBlock(id);
                    ClientMemory memory = new ClientMemory(data)) {
                DiskCompletion again =
                        (request, result) -> {
                            done++;
                            if (result != 4096) {
                                errors++;
                                return;
                            }
                            request.write(done % 1000 * 4096).add(memory, 0, 4096);
                            disk.submit(request, 0);
                        };
                for (int i = 0; i < DEPTH; i++) {
                    disk.submit(new DiskRequest(again).write(0).add(memory, 0, 4096), 0);
                }
                CompletionHandler handler =
                        (userData, result, flags) -> {
                            int tag = (int) userData;
                            server.ring.command(
                                    IoCommand.UBLK_U_IO_COMMIT_AND_FETCH_REQ,
                                    0,
                                    tag,
                                    IoDescLayout.nrSectors(
                                                    server.descriptors, IoDescLayout.offset(tag))
                                            << 9,
                                    server.buffer(tag),
                                    tag);
                        };
                run(server, handler, REQUESTS);
                var threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
                long self = Thread.currentThread().threadId();
                threads.getThreadAllocatedBytes(self);
                long before = threads.getThreadAllocatedBytes(self);
                long start = System.nanoTime();
                run(server, handler, REQUESTS);
                double seconds = (System.nanoTime() - start) / 1e9;
                long allocated = threads.getThreadAllocatedBytes(self) - before;
                System.getLogger("throughput")
                        .log(Level.INFO, "%.0f requests/s".formatted(REQUESTS / seconds));
                assertThat(errors).isZero();
                assertThat(allocated).isLessThan(100_000);
            }
        }
        assertThat(commands.delete(id)).isZero();
    }

    private void run(OneThread server, CompletionHandler handler, long count) {
        long end = done + count;
        while (done < end) {
            server.ring.run(false, handler);
        }
    }
}
