package dev.ublk4j.conformance.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import dev.ublk4j.kernel.KernelDriver;
import dev.ublk4j.server.Device;
import dev.ublk4j.server.DeviceOptions;
import dev.ublk4j.server.Target;
import dev.ublk4j.targets.MemoryTarget;
import dev.ublk4j.targets.NullTarget;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The thread of a queue allocates nothing once it is warm. */
@Tag("kernel")
@Timeout(600)
final class AllocationTest {
    private static final int REQUESTS = 20_000;
    private static final int MAX_ROUNDS = 5;
    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    private static long allocatedBy(String name) {
        Thread thread =
                Thread.getAllStackTraces().keySet().stream()
                        .filter(t -> t.getName().equals(name))
                        .findFirst()
                        .orElseThrow();
        return THREADS.getThreadAllocatedBytes(thread.threadId());
    }

    private static void allocatesNothing(Target target) {
        try (KernelDriver driver = KernelDriver.open();
                Device device = Device.start(driver, target, DeviceOptions.defaults())) {
            // A length that a tag meets for the first time gets a view of its buffer, once.
            Shell.run("echo 2 >/sys/block/ublkb%d/queue/nomerges".formatted(device.id()));
            String thread = "ublk%d-q0".formatted(device.id());
            List<Long> rounds = new ArrayList<>();
            // The first rounds compile the code; the rule is about what comes then.
            do {
                long before = allocatedBy(thread);
                Shell.run(
                        """
                        fio --name=load --filename=/dev/ublkb%d --direct=1 --ioengine=libaio \
                            --iodepth=32 --rw=randrw --bs=4k --size=32M --number_ios=%d \
                            --time_based --runtime=40 --iodepth_batch_submit=16 \
                            --iodepth_batch_complete_max=16 --gtod_reduce=1
                        """
                                .formatted(device.id(), REQUESTS));
                rounds.add(allocatedBy(thread) - before);
            } while (rounds.getLast() >= REQUESTS && rounds.size() < MAX_ROUNDS);
            // An object for each request would be 16 bytes and more; under one is none.
            assertThat(rounds.getLast())
                    .as("bytes in each round of %d requests: %s", REQUESTS, rounds)
                    .isLessThan(REQUESTS);
        }
    }

    @Test
    void onANullTarget() {
        allocatesNothing(new NullTarget(32L << 20));
    }

    @Test
    void onAMemoryTarget() {
        allocatesNothing(new MemoryTarget(32L << 20));
    }
}
