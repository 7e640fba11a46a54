package dev.ublk4j.conformance.rules;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.ublk4j.conformance.lane.ClientArea;
import dev.ublk4j.conformance.lane.ClientDisk;
import dev.ublk4j.conformance.lane.Io;
import dev.ublk4j.conformance.lane.Lane;
import dev.ublk4j.conformance.lane.Pause;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.linux.Mapping;
import dev.ublk4j.server.Device;
import dev.ublk4j.server.DeviceOptions;
import dev.ublk4j.server.Geometry;
import dev.ublk4j.server.Inheritance;
import dev.ublk4j.server.NotServedException;
import dev.ublk4j.server.Recovery;
import dev.ublk4j.server.Request;
import dev.ublk4j.server.SimpleTarget;
import dev.ublk4j.targets.BackingFile;
import dev.ublk4j.targets.FileTarget;
import dev.ublk4j.targets.MemoryTarget;
import dev.ublk4j.testkit.fault.Faults;
import dev.ublk4j.testkit.fault.FaultyDriver;
import dev.ublk4j.uapi.DeviceInfo;
import dev.ublk4j.uapi.DeviceState;
import dev.ublk4j.uapi.Feature;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What a server does with its device in an order that nobody has thought of.
 *
 * <p>{@code UBLK4J_ORDER_STEPS} in the environment says how many steps a random order has.
 */
public abstract class OrderRules extends LaneRules {
    private static final int STEPS =
            Integer.parseInt(System.getenv().getOrDefault("UBLK4J_ORDER_STEPS", "40"));
    private static final long SIZE = 1 << 20;
    private static final int PAGES = (int) (SIZE / PAGE);

    /** Writes that wait for a server, at most: a tag each. */
    private static final int MOST_WAITING = 3;

    private static final Duration PATIENCE = Duration.ofMinutes(4);

    private static final DeviceOptions OPTIONS =
            DeviceOptions.defaults()
                    .withDepth(8)
                    .with(Recovery.REISSUE)
                    .with(Feature.NO_AUTO_PART_SCAN);

    @TempDir Path folder;

    protected OrderRules(Supplier<? extends Lane> lanes) {
        super(lanes);
    }

    private FileTarget file() {
        Path file = folder.resolve("disk.img");
        return new FileTarget(BackingFile.open(file, BackingFile.Caching.BUFFERED, false));
    }

    private Device start() throws IOException {
        try (RandomAccessFile file =
                new RandomAccessFile(folder.resolve("disk.img").toFile(), "rw")) {
            file.setLength(SIZE);
        }
        return Device.start(lane().driver(), file(), OPTIONS);
    }

    /** A device and what is done with it; every page has the number of its last write. */
    private final class Life implements AutoCloseable {
        final Arena arena = Arena.ofShared();
        final ClientArea area = lane().area(pages(arena, (MOST_WAITING + 1L) * PAGE));
        final List<CompletableFuture<Long>> waiting = new ArrayList<>();
        final int[] marks = new int[PAGES];
        final StringBuilder story = new StringBuilder();
        final Random random;
        final ClientDisk disk;
        Device device;
        boolean live = true;

        Life(long seed) throws IOException {
            random = new Random(seed);
            device = start();
            disk = lane().openDisk(device.id());
        }

        void step() {
            switch (random.nextInt(8)) {
                case 0, 1 -> write(random.nextInt(PAGES));
                case 2 -> verify(random.nextInt(PAGES));
                case 3 -> resize((1 + random.nextInt(3)) * SIZE);
                case 4 -> quiesceFromHere();
                case 5 -> quiesceFromElsewhere();
                default -> recover();
            }
        }

        private MemorySegment page(int number) {
            return area.memory().asSlice((long) number * PAGE, PAGE);
        }

        private void write(int page) {
            if (!live && waiting.size() == MOST_WAITING) {
                return;
            }
            story.append(" write");
            int slot = live ? MOST_WAITING : waiting.size();
            // Of those that wait each has a page of its own: nobody promises an order of two.
            int at = live ? page : slot;
            marks[at]++;
            pattern(page(slot), marks[at] * 251 + at);
            Io io = Io.write((long) at * PAGE, area.piece((long) slot * PAGE, PAGE));
            if (live) {
                assertThat(disk.run(io)).as("%s", this).isEqualTo(PAGE);
            } else {
                waiting.add(disk.submit(io));
                assertThat(waiting.getLast()).as("%s", this).isNotDone();
            }
        }

        private void verify(int page) {
            if (!live) {
                return;
            }
            story.append(" read");
            MemorySegment read = page(MOST_WAITING).fill((byte) 0);
            Io io = Io.read((long) page * PAGE, area.piece((long) MOST_WAITING * PAGE, PAGE));
            assertThat(disk.run(io)).as("%s", this).isEqualTo(PAGE);
            try (Arena own = Arena.ofConfined()) {
                MemorySegment expected = own.allocate(PAGE);
                if (marks[page] > 0) {
                    pattern(expected, marks[page] * 251 + page);
                }
                assertThat(read.mismatch(expected)).as("page %d:%s", page, this).isEqualTo(-1);
            }
        }

        private void resize(long bytes) {
            story.append(" resize");
            if (live) {
                device.resize(bytes);
                assertThat(disk.size()).as("%s", this).isEqualTo(bytes);
            } else {
                assertThatThrownBy(() -> device.resize(bytes))
                        .as("%s", this)
                        .isInstanceOf(NotServedException.class);
            }
        }

        private void quiesceFromHere() {
            story.append(" quiesce");
            device.quiesce(PATIENCE);
            left();
        }

        private void quiesceFromElsewhere() {
            story.append(" quiesce-elsewhere");
            control().quiesce(device.id(), PATIENCE);
            left();
        }

        private void left() {
            live = false;
            try {
                assertThat(device.awaitStop(PATIENCE)).as("%s", this).isTrue();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new AssertionError(e);
            }
            assertThat(device.isLeft()).as("%s", this).isTrue();
        }

        private void recover() {
            if (live) {
                return;
            }
            story.append(" recover");
            int id = device.id();
            device.close();
            device = Device.recover(lane().driver(), id, file(), Inheritance.none());
            live = true;
            for (CompletableFuture<Long> write : waiting) {
                assertThat(ClientDisk.await(write)).as("%s", this).isEqualTo(PAGE);
            }
            waiting.clear();
        }

        void verifyAll() {
            recover();
            for (int page = 0; page < PAGES; page++) {
                verify(page);
            }
        }

        @Override
        public void close() {
            disk.close();
            if (!live) {
                device.close();
                control().delete(device.id());
            }
            device.close();
            area.close();
            arena.close();
        }

        @Override
        public String toString() {
            return story.toString();
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3})
    void aDeviceKeepsItsDataInWhateverOrderItIsQuiescedResizedAndRecovered(long seed)
            throws IOException {
        try (Life life = new Life(seed)) {
            for (int step = 0; step < STEPS; step++) {
                life.step();
            }
            life.verifyAll();
        }
    }

    @Test
    void aQuiescedDeviceThatIsStoppedFailsWhatWaitsAndIsNotRecovered() throws Exception {
        Device device = start();
        AtomicInteger closed = new AtomicInteger();
        try (Arena arena = Arena.ofShared();
                ClientArea area = lane().area(pages(arena, PAGE));
                ClientDisk disk = lane().openDisk(device.id())) {
            device.quiesce(PATIENCE);
            CompletableFuture<Long> waiting = disk.submit(Io.write(0, area.all()));
            control().stop(device.id());
            assertThat(ClientDisk.await(waiting)).isNegative();

            assertThatThrownBy(() ->
                            Device.recover(
                                    lane().driver(),
                                    device.id(),
                                    counting(closed),
                                    Inheritance.none()))
                    .isInstanceOf(LinuxException.class);
            assertThat(closed).hasValue(1);
        }
        device.close();
        assertThat(control().info(device.id()).state()).isEqualTo(DeviceState.UBLK_S_DEV_DEAD);
        control().delete(device.id());
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aFormerServerDoesNothingToTheDeviceThatHasItsNumberNow(boolean quiesced) throws Exception {
        Device former = start();
        if (quiesced) {
            former.quiesce(PATIENCE);
        }
        // As another process does.
        control().delete(former.id());
        assertThat(former.awaitStop(PATIENCE)).isTrue();
        try (Arena arena = Arena.ofShared();
                Device other =
                        Device.start(
                                lane().driver(),
                                new MemoryTarget(SIZE),
                                OPTIONS.withId(former.id()).with(Feature.SHMEM_ZC))) {
            assertThatThrownBy(() -> former.resize(2 * SIZE))
                    .isInstanceOf(NotServedException.class);
            MemorySegment memory = Mapping.anonymous(PAGE, Mapping.MAP_SHARED, arena);
            assertThatThrownBy(() -> former.share(memory, false))
                    .isInstanceOf(NotServedException.class);
            if (quiesced) {
                former.quiesce(PATIENCE);
            } else {
                assertThatThrownBy(() -> former.quiesce(PATIENCE))
                        .isInstanceOf(NotServedException.class);
            }
            former.stop();
            former.close();

            DeviceInfo info = control().info(other.id());
            assertThat(info.state()).isEqualTo(DeviceState.UBLK_S_DEV_LIVE);
            try (ClientDisk disk = lane().openDisk(other.id())) {
                assertThat(disk.size()).isEqualTo(SIZE);
            }
        }
    }

    /** {@return a target that counts how often it is closed} */
    private static SimpleTarget counting(AtomicInteger closed) {
        return new SimpleTarget() {
            @Override
            public Geometry geometry() {
                return Geometry.ofSize(SIZE);
            }

            @Override
            public int read(Request request) {
                return (int) request.length();
            }

            @Override
            public int write(Request request) {
                return (int) request.length();
            }

            @Override
            public void close() {
                closed.incrementAndGet();
            }
        };
    }

    @Test
    void queuesThatFailAtOnceStopTheDeviceAndFailWhatTheyHave() throws Exception {
        FaultyDriver server = new FaultyDriver(lane().driver(), new Faults());
        HeldTarget target = new HeldTarget();
        Device device =
                Device.start(
                        server,
                        target,
                        DeviceOptions.defaults()
                                .withQueues(2)
                                .withDepth(8)
                                .with(Feature.NO_AUTO_PART_SCAN));
        try (Arena arena = Arena.ofShared();
                ClientArea area = lane().area(pages(arena, 8L * PAGE));
                ClientDisk disk = lane().openDisk(device.id())) {
            List<CompletableFuture<Long>> held = new ArrayList<>();
            for (int i = 0; i < 8; i++) {
                Io io = Io.write(16L * i * PAGE, area.piece((long) i * PAGE, PAGE));
                // From threads of their own, so that each queue has some.
                held.add(meanwhile(() -> disk.run(io)));
            }
            target.awaitWrite();

            server.kill();

            assertThat(device.awaitStop(PATIENCE)).as("the device stops").isTrue();
            for (CompletableFuture<Long> write : held) {
                assertThat(ClientDisk.await(write)).isNegative();
            }
            Pause.until(
                    "the device is dead",
                    () -> control().info(device.id()).state() == DeviceState.UBLK_S_DEV_DEAD);
        }
        control().delete(device.id());
        device.close();
    }

    @Test
    void aQueueThatFailsWithARequestOutStopsTheDeviceWhoseOtherQueueIsWell() throws Exception {
        HeldTarget target = new HeldTarget();
        FrailQueues queues = new FrailQueues(target);
        Device device =
                Device.start(
                        lane().driver(),
                        queues,
                        DeviceOptions.defaults()
                                .withQueues(2)
                                .withDepth(8)
                                .with(Feature.NO_AUTO_PART_SCAN));
        try (Arena arena = Arena.ofShared();
                ClientArea area = lane().area(pages(arena, PAGE));
                ClientDisk disk = lane().openDisk(device.id())) {
            CompletableFuture<Long> write =
                    meanwhile(() -> disk.run(Io.write(0, area.piece(0, PAGE))));
            target.awaitWrite();

            queues.fail(target.queueOfAWrite());

            assertThat(device.awaitStop(PATIENCE)).as("the device stops").isTrue();
            assertThat(ClientDisk.await(write)).isNegative();
        }
        device.close();
        assertThatThrownBy(() -> control().info(device.id())).hasMessageContaining("ENODEV");
    }
}
