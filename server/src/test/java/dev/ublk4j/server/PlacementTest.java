package dev.ublk4j.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.ublk4j.driver.control.Control;
import dev.ublk4j.embedded.EmbeddedDriver;
import dev.ublk4j.linux.LinuxException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.BitSet;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** The threads of queues run on the processors that they should. */
class PlacementTest {
    private final EmbeddedDriver driver = EmbeddedDriver.create();

    @AfterEach
    void close() {
        driver.close();
    }

    /** Notes where the threads of its queues may run. */
    private static class Noting extends TestDisk {
        final Map<Integer, BitSet> processors = new ConcurrentHashMap<>();

        @Override
        public TargetQueue open(Queue queue) {
            processors.put(queue.id(), allowed());
            return super.open(queue);
        }
    }

    /** The same, on processors of its choice. */
    private static final class Choosing extends Noting {
        private final QueueAffinity affinity;

        Choosing(QueueAffinity affinity) {
            this.affinity = affinity;
        }

        @Override
        public <A> @Nullable A ability(Class<A> type) {
            return type == QueueAffinity.class ? type.cast(affinity) : super.ability(type);
        }
    }

    /** {@return where the calling thread may run} */
    private static BitSet allowed() {
        try {
            String list =
                    Files.readAllLines(Path.of("/proc/thread-self/status")).stream()
                            .filter(line -> line.startsWith("Cpus_allowed_list:"))
                            .findFirst()
                            .orElseThrow();
            BitSet processors = new BitSet();
            for (String part : list.substring(list.indexOf(':') + 1).strip().split(",", -1)) {
                String[] ends = part.split("-", -1);
                int first = Integer.parseInt(ends[0]);
                processors.set(first, Integer.parseInt(ends[ends.length - 1]) + 1);
            }
            return processors;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static BitSet of(int processor) {
        BitSet processors = new BitSet();
        processors.set(processor);
        return processors;
    }

    private Device start(Target target, int queues) {
        return Device.start(
                driver, target, DeviceOptions.defaults().withQueues(queues).withDepth(4));
    }

    @Test
    void theOnlyQueueOfADeviceRunsWhereTheProcessMay() {
        Noting target = new Noting();
        try (Device _ = start(target, 1)) {
            assertThat(target.processors).containsExactly(Map.entry(0, allowed()));
        }
    }

    @Test
    void severalQueuesAreSpreadAsTheDriverSpreadsRequests() {
        BitSet here = allowed();
        assumeTrue(here.cardinality() > 1, "several queues need several processors");
        assumeTrue(
                here.nextClearBit(0) == Runtime.getRuntime().availableProcessors(),
                "the processors of this process have other numbers than the driver's");
        Noting target = new Noting();
        try (Device device = start(target, 2)) {
            Control control = new Control(driver);
            assertThat(target.processors)
                    .containsOnly(
                            Map.entry(0, control.affinity(device.id(), 0)),
                            Map.entry(1, control.affinity(device.id(), 1)));
        }
    }

    @Test
    void aTargetMayChooseTheProcessors() {
        int processor = allowed().length() - 1;
        Choosing target = new Choosing(QueueAffinity.on(of(processor)));
        try (Device _ = start(target, 2)) {
            assertThat(target.processors)
                    .containsOnly(Map.entry(0, of(processor)), Map.entry(1, of(processor)));
        }
    }

    @Test
    void aTargetMayLeaveItsQueuesAlone() {
        Choosing target = new Choosing(QueueAffinity.none());
        try (Device _ = start(target, 2)) {
            assertThat(target.processors)
                    .containsOnly(Map.entry(0, allowed()), Map.entry(1, allowed()));
        }
    }

    @Test
    void aProcessorThatThereIsNotIsRefusedWithItsNumber() {
        Choosing target = new Choosing(QueueAffinity.on(of(1023)));
        assertThatThrownBy(() -> start(target, 1))
                .isInstanceOf(LinuxException.class)
                .hasMessageContaining("sched_setaffinity")
                .hasMessageContaining("1023")
                .hasMessageContaining("EINVAL");
        assertThat(driver.deviceIds()).isEmpty();
    }

    @Test
    void eachQueueRunsOnThoseOfTheChosenThatAreMappedToIt() {
        BitSet chosen = new BitSet();
        chosen.set(0, 4);
        QueueAffinity affinity = QueueAffinity.on(chosen);
        BitSet mapped = new BitSet();
        mapped.set(2, 6);
        BitSet both = new BitSet();
        both.set(2, 4);

        assertThat(affinity.processors(0, mapped)).isEqualTo(both);
        assertThat(affinity.processors(0, of(9))).isEqualTo(chosen);
    }
}
