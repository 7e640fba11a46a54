package dev.ublk4j.targets;

import static org.assertj.core.api.Assertions.assertThat;

import dev.ublk4j.server.AllocationMap;
import dev.ublk4j.server.ForwardingTarget;
import dev.ublk4j.server.ForwardingTargetQueue;
import dev.ublk4j.server.LeavesData;
import dev.ublk4j.server.Queue;
import dev.ublk4j.server.Request;
import dev.ublk4j.server.Resizable;
import dev.ublk4j.server.Target;
import dev.ublk4j.server.TargetQueue;
import dev.ublk4j.testkit.Exerciser;
import dev.ublk4j.testkit.TestBed;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.LongAdder;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@DisplayName("A target that forwards to another")
class ForwardingTargetTest {
    /** The filter of {@code docs/layers.md}. */
    private static final class Counted extends ForwardingTarget {
        final LongAdder requests = new LongAdder();

        Counted(Target target) {
            super(target);
        }

        @Override
        public TargetQueue open(Queue queue) {
            return new ForwardingTargetQueue(super.open(queue)) {
                @Override
                public void submit(Request request) {
                    requests.increment();
                    super.submit(request);
                }
            };
        }
    }

    @Test
    void servesWhatTheOtherServes() {
        Exerciser.of(() -> new Counted(new MemoryTarget(1 << 20))).run();
    }

    @Test
    void seesEveryRequest() {
        Counted counted = new Counted(new MemoryTarget(1 << 20));
        try (TestBed bed = TestBed.of(counted)) {
            bed.write(0, new byte[4096]);
            assertThat(bed.read(0, 4096)).containsOnly(0);
        }
        assertThat(counted.requests.sum()).isEqualTo(2);
    }

    @Test
    void hasItsOwnAbilitiesAndThoseOfTheOther(@TempDir Path folder) throws IOException {
        Path file = folder.resolve("disk.img");
        try (RandomAccessFile disk = new RandomAccessFile(file.toFile(), "rw")) {
            disk.setLength(1 << 20);
        }
        FileTarget below =
                new FileTarget(BackingFile.open(file, BackingFile.Caching.BUFFERED, false));
        try (Counted counted = new Counted(below)) {
            assertThat(counted.ability(Counted.class)).isSameAs(counted);
            assertThat(counted.ability(AllocationMap.class)).isSameAs(below);
            assertThat(counted.ability(LeavesData.class)).isSameAs(below);
            assertThat(counted.ability(Resizable.class)).isSameAs(below);
        }
    }

    /** Notes the end of its queue, and its own. */
    private static final class Ending extends ForwardingTarget {
        private final List<String> seen;

        Ending(Target target, List<String> seen) {
            super(target);
            this.seen = seen;
        }

        @Override
        public TargetQueue open(Queue queue) {
            return new ForwardingTargetQueue(super.open(queue)) {
                @Override
                public void finish() {
                    seen.add("finish");
                    super.finish();
                }

                @Override
                public void close() {
                    seen.add("close queue");
                    super.close();
                }
            };
        }

        @Override
        public void close() {
            seen.add("close");
            super.close();
        }
    }

    @Test
    void finishesAndClosesTheOther() {
        List<String> seen = new ArrayList<>();
        TestBed.of(new Counted(new Ending(new MemoryTarget(1 << 20), seen))).close();

        assertThat(seen).containsExactly("finish", "close queue", "close");
    }
}
