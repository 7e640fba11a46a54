package dev.ublk4j.conformance.rules;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.ublk4j.conformance.lane.ClientArea;
import dev.ublk4j.conformance.lane.ClientDisk;
import dev.ublk4j.conformance.lane.Io;
import dev.ublk4j.conformance.lane.Lane;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.server.Device;
import dev.ublk4j.server.DeviceOptions;
import dev.ublk4j.server.ForwardingTarget;
import dev.ublk4j.server.Geometry;
import dev.ublk4j.server.Inheritance;
import dev.ublk4j.server.LeavesData;
import dev.ublk4j.server.Mode;
import dev.ublk4j.server.Operation;
import dev.ublk4j.server.Queue;
import dev.ublk4j.server.Recovery;
import dev.ublk4j.server.Request;
import dev.ublk4j.server.ServerThreads;
import dev.ublk4j.server.SharedBuffer;
import dev.ublk4j.server.Target;
import dev.ublk4j.server.TargetQueue;
import dev.ublk4j.targets.BackingFile;
import dev.ublk4j.targets.FileTarget;
import dev.ublk4j.targets.MemoryTarget;
import dev.ublk4j.targets.NullTarget;
import dev.ublk4j.uapi.Feature;
import dev.ublk4j.uring.Ring;
import dev.ublk4j.uring.RingOptions;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Data arrives as it was sent, whoever brings it and however commands travel. */
public abstract class ModeRules extends LaneRules {
    private static final long SIZE = 4L << 20;
    private static final int BYTES = 64 * 1024;
    private static final int PIECES = 48;
    private static final DeviceOptions OPTIONS =
            DeviceOptions.defaults().withDepth(16).with(Feature.NO_AUTO_PART_SCAN);

    @TempDir Path folder;

    protected ModeRules(Supplier<? extends Lane> lanes) {
        super(lanes);
    }

    private DeviceOptions options(String mode) {
        Mode parsed = Mode.parse(mode);
        assertThat(parsed).hasToString(mode);
        for (Feature feature : Feature.of(parsed.features())) {
            assumeTrue(
                    control().features().contains(feature),
                    () -> "%s has no %s".formatted(lane(), feature));
        }
        return OPTIONS.with(parsed);
    }

    private Target file() {
        Path path = folder.resolve("disk.img");
        try {
            try (RandomAccessFile file = new RandomAccessFile(path.toFile(), "rw")) {
                file.setLength(SIZE);
            }
            return new FileTarget(BackingFile.open(path, BackingFile.Caching.BUFFERED, false));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Writes and reads requests of all sizes, and many at a time. */
    private static void assertKeeps(ClientDisk disk, ClientArea area) {
        for (int bytes = 512; bytes <= BYTES; bytes *= 2) {
            MemorySegment sent = pattern(area.memory().asSlice(0, bytes), bytes);
            MemorySegment got = area.memory().asSlice(BYTES, bytes).fill((byte) 0);
            assertThat(disk.run(Io.write(bytes, area.piece(0, bytes)))).isEqualTo(bytes);
            assertThat(disk.run(Io.read(bytes, area.piece(BYTES, bytes)))).isEqualTo(bytes);
            assertThat(got.mismatch(sent)).as("%d bytes", bytes).isEqualTo(-1);
        }
        long all = (long) PIECES * PAGE;
        MemorySegment sent = pattern(area.memory().asSlice(0, all), 77);
        MemorySegment got = area.memory().asSlice(all, all).fill((byte) 0);
        List<CompletableFuture<Long>> answers = new ArrayList<>();
        for (int i = 0; i < PIECES; i++) {
            answers.add(disk.submit(Io.write(2L * i * PAGE, area.piece((long) i * PAGE, PAGE))));
        }
        answers.forEach(answer -> assertThat(ClientDisk.await(answer)).isEqualTo(PAGE));
        answers.clear();
        for (int i = 0; i < PIECES; i++) {
            ClientArea place = area;
            answers.add(
                    disk.submit(Io.read(2L * i * PAGE, place.piece(all + (long) i * PAGE, PAGE))));
        }
        answers.forEach(answer -> assertThat(ClientDisk.await(answer)).isEqualTo(PAGE));
        assertThat(got.mismatch(sent)).isEqualTo(-1);
        assertThat(disk.run(Io.flush())).isZero();
    }

    private static ClientArea area(Lane lane, Arena arena) {
        return lane.area(pages(arena, 2L * PIECES * PAGE));
    }

    private void assertKeeps(Target target, DeviceOptions options) {
        try (Arena arena = Arena.ofShared();
                ClientArea area = area(lane(), arena);
                Device device = Device.start(lane().driver(), target, options)) {
            assertThat(device.mode().features())
                    .isEqualTo(options.features() & device.mode().features());
            try (ClientDisk disk = lane().openDisk(device.id())) {
                assertKeeps(disk, area);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"copy", "get-data", "user-copy", "copy,batch", "user-copy,batch"})
    void memoryKeepsWhatItIsGivenInEveryMode(String mode) {
        assertKeeps(new MemoryTarget(SIZE), options(mode));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "copy",
                "get-data",
                "user-copy",
                "zero-copy",
                "manual-zero-copy",
                "copy,batch",
                "user-copy,batch",
                "zero-copy,batch",
                "manual-zero-copy,batch"
            })
    void aFileKeepsWhatItIsGivenInEveryMode(String mode) {
        assertKeeps(file(), options(mode));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "copy",
                "get-data",
                "user-copy",
                "zero-copy",
                "manual-zero-copy",
                "copy,batch",
                "user-copy,batch",
                "zero-copy,batch",
                "manual-zero-copy,batch"
            })
    void sharedMemoryIsCopiedInNoMode(String mode) {
        DeviceOptions options = options(mode).with(Feature.SHMEM_ZC);
        try (Arena arena = Arena.ofShared();
                ClientArea area = area(lane(), arena);
                Device device = Device.start(lane().driver(), file(), options);
                ClientDisk disk = lane().openDisk(device.id())) {
            assertKeeps(disk, area);
            assertThat(device.counters().sharedRequests()).isZero();
            long before =
                    device.counters().copiedRequests() + device.counters().registeredRequests();
            assertThat(before).isPositive();
            try (SharedBuffer shared = device.share(area.memory(), false)) {
                assertThat(shared.index()).isZero();
                assertKeeps(disk, area);
            }
            assertThat(device.counters().sharedRequests()).isPositive();
            assertThat(device.counters().copiedRequests() + device.counters().registeredRequests())
                    .isEqualTo(before);
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "copy",
                "get-data",
                "user-copy",
                "zero-copy",
                "manual-zero-copy",
                "copy,batch",
                "user-copy,batch",
                "zero-copy,batch",
                "manual-zero-copy,batch"
            })
    void theNextServerServesADeviceInTheSameMode(String mode) {
        DeviceOptions options = options(mode).with(Recovery.REISSUE);
        assumeTrue(control().features().contains(Feature.QUIESCE), "no QUIESCE_DEV here");
        try (Arena arena = Arena.ofShared();
                ClientArea area = area(lane(), arena)) {
            int id;
            try (Device first = Device.start(lane().driver(), file(), options)) {
                id = first.id();
                try (ClientDisk disk = lane().openDisk(id)) {
                    assertKeeps(disk, area);
                }
                first.quiesce(Duration.ofSeconds(20));
            }
            try (Device second = Device.recover(lane().driver(), id, file(), Inheritance.none());
                    ClientDisk disk = lane().openDisk(id)) {
                assertThat(second.mode()).hasToString(mode);
                assertKeeps(disk, area);
            }
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            value = {"copy; 64; 3", "user-copy; 256; 1", "zero-copy; 40; 2", "copy,batch; 32; 1"})
    void descriptorsLieAsFarApartAsTheServerHasAskedFor(String mode, int bytes, int threads) {
        assumeTrue(control().features().contains(Feature.IO_DESC_SIZE), "no IO_DESC_SIZE here");
        DeviceOptions options =
                options(mode).with(Recovery.REISSUE).withDescriptorSize(bytes).withQueues(2);
        try (Arena arena = Arena.ofShared();
                ClientArea area = area(lane(), arena)) {
            int id;
            Target target = new Threaded(file(), threads);
            try (Device first = Device.start(lane().driver(), target, options)) {
                id = first.id();
                assertThat(control().info(id).ioDescSize()).isEqualTo(bytes);
                try (ClientDisk disk = lane().openDisk(id)) {
                    assertKeeps(disk, area);
                }
                first.quiesce(Duration.ofSeconds(20));
            }
            try (Device second = Device.recover(lane().driver(), id, file(), Inheritance.none());
                    ClientDisk disk = lane().openDisk(second.id())) {
                assertThat(control().info(id).ioDescSize()).isEqualTo(bytes);
                assertKeeps(disk, area);
            }
        }
    }

    /** Keeps requests under way until it is told to stop, whatever comes of them. */
    private final class Load implements Runnable {
        final AtomicBoolean stop = new AtomicBoolean();
        final AtomicInteger rounds = new AtomicInteger();
        private final int device;
        private final ClientArea area;

        Load(int device, ClientArea area) {
            this.device = device;
            this.area = area;
        }

        @Override
        public void run() {
            try (ClientDisk disk = lane().openDisk(device)) {
                while (!stop.get()) {
                    List<CompletableFuture<Long>> answers = new ArrayList<>();
                    for (int i = 0; i < 16; i++) {
                        answers.add(
                                disk.submit(Io.read((long) i * PAGE, area.piece(i * PAGE, PAGE))));
                    }
                    answers.forEach(ClientDisk::await);
                    rounds.incrementAndGet();
                }
            }
        }
    }

    /** Linux does not take back a fetch that it is just filling. */
    @ParameterizedTest
    @ValueSource(strings = {"copy,batch", "zero-copy,batch"})
    void aServerInBatchesLeavesWhenItsDeviceIsQuiescedUnderLoad(String mode) throws Exception {
        DeviceOptions options = options(mode).with(Recovery.REISSUE);
        assumeTrue(control().features().contains(Feature.QUIESCE), "no QUIESCE_DEV here");
        try (Arena arena = Arena.ofShared();
                ClientArea area = area(lane(), arena)) {
            for (int round = 0; round < 3; round++) {
                int id;
                Load load;
                Thread client;
                try (Device first = Device.start(lane().driver(), file(), options)) {
                    id = first.id();
                    load = new Load(id, area);
                    client = Thread.ofPlatform().daemon().start(load);
                    while (load.rounds.get() < 5) {
                        assertThat(client.isAlive()).as("the load goes on").isTrue();
                        Thread.sleep(1);
                    }
                    control().quiesce(id, Duration.ofSeconds(20));
                    assertThat(first.awaitStop(Duration.ofMinutes(1))).isTrue();
                }
                try (Device second =
                        Device.recover(lane().driver(), id, file(), Inheritance.none())) {
                    assertThat(second.mode()).hasToString(mode);
                    load.stop.set(true);
                    client.join();
                }
            }
        }
    }

    /** A target whose device some threads serve; it notes those that there are. */
    private static final class Threaded extends ForwardingTarget {
        final Set<String> queues = ConcurrentHashMap.newKeySet();
        private final int threads;

        Threaded(Target target, int threads) {
            super(target);
            this.threads = threads;
        }

        @Override
        public TargetQueue open(Queue queue) {
            queues.add(queue.toString());
            return super.open(queue);
        }

        @Override
        public <A> @Nullable A ability(Class<A> type) {
            return type == ServerThreads.class
                    ? type.cast((ServerThreads) () -> threads)
                    : super.ability(type);
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            value = {
                "copy; 1; 3",
                "copy; 2; 1",
                "copy; 2; 2",
                "get-data; 2; 3",
                "user-copy; 1; 3",
                "zero-copy; 2; 3",
                "zero-copy; 2; 1",
                "manual-zero-copy; 1; 3",
                "copy,batch; 1; 3",
                "copy,batch; 2; 1",
                "copy,batch; 2; 3",
                "user-copy,batch; 1; 2",
                "zero-copy,batch; 1; 3",
                "manual-zero-copy,batch; 1; 3"
            })
    void anyNumberOfThreadsServesADevice(String mode, int queues, int threads) {
        DeviceOptions options = options(mode).withQueues(queues).with(Recovery.REISSUE);
        Feature quiesce = Feature.QUIESCE;
        assumeTrue(control().features().contains(quiesce), "no QUIESCE_DEV here");
        try (Arena arena = Arena.ofShared();
                ClientArea area = area(lane(), arena)) {
            Threaded target = new Threaded(file(), threads);
            int id;
            try (Device device = Device.start(lane().driver(), target, options)) {
                id = device.id();
                assertThat(target.queues).hasSize(threads);
                try (ClientDisk disk = lane().openDisk(id)) {
                    for (int i = 0; i < 20; i++) {
                        assertKeeps(disk, area);
                    }
                }
                device.quiesce(Duration.ofSeconds(20));
            }
            // Another number, as the driver does not care.
            Threaded next = new Threaded(file(), threads + 1);
            try (Device device = Device.recover(lane().driver(), id, next, Inheritance.none());
                    ClientDisk disk = lane().openDisk(id)) {
                assertThat(next.queues).hasSize(threads + 1);
                assertKeeps(disk, area);
                assertThat(device.statistics().out()).isZero();
            }
        }
    }

    /** A file that a thread of its own reads and writes, over a ring of its own. */
    private static final class Worker implements Target, LeavesData {
        private static final int SLOT = 3;
        private static final int SLOTS = 8;

        private final BackingFile file;
        private final ExecutorService thread = Executors.newSingleThreadExecutor();
        private @Nullable Ring ring;

        Worker(BackingFile file) {
            this.file = file;
        }

        @Override
        public Geometry geometry() {
            return Geometry.ofSize(SIZE);
        }

        @Override
        public TargetQueue open(Queue queue) {
            return request -> {
                long id = request.id();
                thread.execute(() -> queue.complete(id, outcome(request)));
            };
        }

        /** A rule that does not hold fails the request, or its client would wait for good. */
        private int outcome(Request request) {
            try {
                return run(request);
            } catch (Throwable e) {
                System.getLogger("worker").log(System.Logger.Level.ERROR, "a rule is broken", e);
                return Errno.EIO.negated();
            }
        }

        private int run(Request request) {
            if (!request.operation().hasData()) {
                return 0;
            }
            Ring own = ring;
            if (own == null) {
                // This thread sleeps between requests, and would let no pages go meanwhile.
                own = Ring.open(RingOptions.defaults().withDeferTaskrun(false));
                own.registerSparseBuffers(SLOTS);
                ring = own;
            }
            request.registerPages(own, SLOT, 1);
            assertThat(completion(own)).isZero();
            int fd = file.fd().number();
            int length = (int) request.length();
            if (request.operation() == Operation.READ) {
                own.readFixed(fd, request.address(), length, request.offset(), SLOT, 2);
            } else {
                own.writeFixed(fd, request.address(), length, request.offset(), SLOT, 2);
            }
            int result = completion(own);
            request.unregisterPages(own, SLOT, 3);
            assertThat(completion(own)).isZero();
            return result;
        }

        private static int completion(Ring ring) {
            int[] result = new int[1];
            int drained = 0;
            while (drained == 0) {
                // May be interrupted, and returns without a completion then.
                ring.submitAndWait(1);
                drained = ring.drain((_, answer, _) -> result[0] = answer);
            }
            assertThat(drained).isEqualTo(1);
            return result[0];
        }

        @Override
        public void close() {
            thread.execute(() -> {
                if (ring != null) {
                    ring.close();
                }
            });
            thread.close();
            file.close();
        }
    }

    @Test
    void aThreadOfTheTargetRegistersThePagesOfARequestWithItsOwnRing() {
        DeviceOptions options = options("manual-zero-copy");
        Feature anyRing = Feature.BUF_REG_OFF_DAEMON;
        assumeTrue(control().features().contains(anyRing), "no BUF_REG_OFF_DAEMON here");
        Path path = folder.resolve("disk.img");
        FileTarget made = (FileTarget) file();
        made.close();
        assertKeeps(
                new Worker(BackingFile.open(path, BackingFile.Caching.BUFFERED, false)), options);
    }

    @Test
    void aDeviceHasNoMoreThreadsThanTags() {
        DeviceOptions options = options("copy").withDepth(2);
        assumeTrue(control().features().contains(Feature.PER_IO_DAEMON), "no PER_IO_DAEMON here");
        Threaded target = new Threaded(new NullTarget(SIZE), 5);
        try (Device _ = Device.start(lane().driver(), target, options)) {
            assertThat(target.queues).hasSize(2);
        }
    }

    @Test
    void theBestModeIsOneThatTheTargetAndTheDriverCanDo() {
        DeviceOptions best = OPTIONS.withBestMode();
        boolean registers = control().features().contains(Feature.AUTO_BUF_REG);
        try (Device device = Device.start(lane().driver(), new MemoryTarget(SIZE), best)) {
            assertThat(device.mode()).hasToString("user-copy");
        }
        try (Device device = Device.start(lane().driver(), new NullTarget(SIZE), best)) {
            assertThat(device.mode()).hasToString(registers ? "zero-copy" : "copy");
        }
        DeviceOptions shared = best.with(Feature.SHMEM_ZC);
        try (Device device = Device.start(lane().driver(), new NullTarget(SIZE), shared)) {
            assertThat(device.mode()).hasToString("copy");
        }
    }
}
