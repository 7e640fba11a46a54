package dev.ublk4j.conformance.acceptance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.ublk4j.conformance.lane.ClientArea;
import dev.ublk4j.conformance.lane.ClientDisk;
import dev.ublk4j.conformance.lane.Io;
import dev.ublk4j.conformance.lane.KernelLane;
import dev.ublk4j.conformance.lane.Pause;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.linux.Mapping;
import dev.ublk4j.server.BlockingTarget;
import dev.ublk4j.server.Device;
import dev.ublk4j.server.DeviceOptions;
import dev.ublk4j.server.Geometry;
import dev.ublk4j.server.Request;
import dev.ublk4j.server.SimpleTarget;
import dev.ublk4j.server.Target;
import dev.ublk4j.targets.BackingFile;
import dev.ublk4j.targets.FileTarget;
import dev.ublk4j.targets.MemoryTarget;
import dev.ublk4j.targets.NullTarget;
import dev.ublk4j.uapi.Feature;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What targets may do, and what an application sees of it. */
@Tag("kernel")
@Tag("any-kernel")
final class TargetTest {
    private static final int PAGE = 4096;
    private static final long SIZE = 16L << 20;
    private static final DeviceOptions OPTIONS =
            DeviceOptions.defaults().with(Feature.NO_AUTO_PART_SCAN);

    @TempDir Path folder;

    private final Arena arena = Arena.ofShared();
    private final MemorySegment memory =
            Mapping.anonymous(64L * PAGE, Mapping.MAP_PRIVATE, arena).fill((byte) 0x5a);
    private KernelLane lane;
    private ClientArea area;

    @BeforeEach
    void open() {
        lane = KernelLane.open();
        area = lane.area(memory);
    }

    @AfterEach
    void close() {
        area.close();
        lane.close();
        arena.close();
    }

    private Device serve(Target target) {
        return Device.start(lane.driver(), target, OPTIONS);
    }

    private Io write(int page) {
        return Io.write((long) page * PAGE, area.piece((page % 64) * (long) PAGE, PAGE));
    }

    private Io read(int page) {
        return Io.read((long) page * PAGE, area.piece((page % 64) * (long) PAGE, PAGE));
    }

    /** A disk in memory whose writes a test makes different. */
    private abstract static class Odd implements SimpleTarget {
        @Override
        public Geometry geometry() {
            return Geometry.ofSize(SIZE);
        }

        @Override
        public int read(Request request) {
            return (int) request.length();
        }
    }

    /** The same on virtual threads. */
    private abstract static class OddOnThreads extends Odd implements BlockingTarget {}

    @Test
    void severalDevicesLiveInOneProcessAndDoNotMixTheirData() {
        List<Device> devices = new ArrayList<>();
        try {
            for (int i = 0; i < 4; i++) {
                devices.add(serve(new MemoryTarget(SIZE)));
            }
            for (int i = 0; i < 4; i++) {
                try (ClientDisk disk = lane.openDisk(devices.get(i).id())) {
                    memory.fill((byte) (i + 1));
                    assertThat(disk.run(write(3))).isEqualTo(PAGE);
                }
            }
            for (int i = 0; i < 4; i++) {
                try (ClientDisk disk = lane.openDisk(devices.get(i).id())) {
                    memory.fill((byte) 0);
                    assertThat(disk.run(read(3))).isEqualTo(PAGE);
                    byte expected = (byte) (i + 1);
                    assertThat(memory.asSlice(3 * PAGE, PAGE).toArray(ValueLayout.JAVA_BYTE))
                            .containsOnly(expected);
                }
            }
        } finally {
            devices.forEach(Device::close);
        }
    }

    @Test
    void aTargetThatThrowsFailsThatRequestAlone() {
        Target throwing =
                new Odd() {
                    @Override
                    public int write(Request request) {
                        return switch ((int) (request.offset() / PAGE)) {
                            case 1 -> throw new IllegalArgumentException("a bug, on purpose");
                            case 2 -> throw new AssertionError("an error, on purpose");
                            case 3 ->
                                    throw new LinuxException(
                                            "write", "test", Errno.ENOSPC.negated());
                            case 4 -> throw new StackOverflowError("on purpose");
                            default -> (int) request.length();
                        };
                    }
                };
        try (Device device = serve(throwing);
                ClientDisk disk = lane.openDisk(device.id())) {
            long eio = Errno.EIO.negated();
            assertThat(disk.run(write(0))).isEqualTo(PAGE);
            assertThat(disk.run(write(1))).isEqualTo(eio);
            assertThat(disk.run(write(2))).isEqualTo(eio);
            assertThat(disk.run(write(3))).isEqualTo(Errno.ENOSPC.negated());
            assertThat(disk.run(write(4))).isEqualTo(eio);
            assertThat(disk.run(write(5))).isEqualTo(PAGE);
        }
    }

    @Test
    void aFileThatIsCutOffWhileItIsServedFailsWhatLiesBehindItsEndAlone() throws IOException {
        Path path = folder.resolve("disk.img");
        try (RandomAccessFile file = new RandomAccessFile(path.toFile(), "rw")) {
            file.setLength(SIZE);
            Target target =
                    new FileTarget(BackingFile.open(path, BackingFile.Caching.DIRECT, false));
            try (Device device = serve(target);
                    ClientDisk disk = lane.openDisk(device.id())) {
                assertThat(disk.run(write(100))).isEqualTo(PAGE);
                file.setLength(SIZE / 2);
                assertThat(disk.run(read(100))).isEqualTo(PAGE);
                assertThat(disk.run(read(3000))).isEqualTo(Errno.EIO.negated());
                assertThat(disk.run(read(101))).isEqualTo(PAGE);
                assertThat(disk.run(write(102))).isEqualTo(PAGE);
                // A write makes the file longer again.
                assertThat(disk.run(write(3000))).isEqualTo(PAGE);
                assertThat(disk.run(read(3000))).isEqualTo(PAGE);
            }
        }
    }

    @Test
    void aTargetThatBlocksHandlesSeveralRequestsAtATime() {
        AtomicInteger inside = new AtomicInteger();
        Target blocking =
                new OddOnThreads() {
                    @Override
                    public int write(Request request) {
                        // Nobody leaves before all four are here.
                        inside.incrementAndGet();
                        while (inside.get() < 4) {
                            Pause.briefly();
                        }
                        return (int) request.length();
                    }
                };
        try (Device device = serve(blocking);
                ClientDisk disk = lane.openDisk(device.id())) {
            List<CompletableFuture<Long>> answers = new ArrayList<>();
            for (int i = 0; i < 4; i++) {
                answers.add(disk.submit(write(16 * i)));
            }
            assertThat(answers).allSatisfy(a -> assertThat(ClientDisk.await(a)).isEqualTo(PAGE));
        }
    }

    @Test
    void aTargetMayCompleteFromAnotherThreadAndOnlyOnce() {
        ConcurrentLinkedQueue<String> secondTries = new ConcurrentLinkedQueue<>();
        try (ExecutorService elsewhere = Executors.newFixedThreadPool(2)) {
            Target later =
                    new Odd() {
                        @Override
                        public int write(Request request) {
                            long id = request.id();
                            int length = (int) request.length();
                            var queue = request.queue();
                            elsewhere.execute(() -> {
                                queue.complete(id, length);
                                try {
                                    queue.complete(id, length);
                                    secondTries.add("taken");
                                } catch (IllegalStateException e) {
                                    secondTries.add("refused");
                                }
                            });
                            return Request.PENDING;
                        }
                    };
            try (Device device = serve(later);
                    ClientDisk disk = lane.openDisk(device.id())) {
                List<CompletableFuture<Long>> answers = new ArrayList<>();
                for (int round = 0; round < 50; round++) {
                    for (int i = 0; i < 4; i++) {
                        answers.add(disk.submit(write(16 * i)));
                    }
                    answers.forEach(a -> assertThat(ClientDisk.await(a)).isEqualTo(PAGE));
                }
            }
        }
        assertThat(secondTries).hasSize(200).containsOnly("refused");
    }

    @Test
    void aTargetThatCompletesInItsHandlerAndAnswersTooIsCountedOnce() {
        Target twice =
                new Odd() {
                    @Override
                    public int write(Request request) {
                        request.queue().complete(request.id(), (int) request.length());
                        return (int) request.length();
                    }
                };
        try (Device device = serve(twice);
                ClientDisk disk = lane.openDisk(device.id())) {
            for (int i = 0; i < 300; i++) {
                assertThat(disk.run(write(i))).isEqualTo(PAGE);
            }
        }
    }

    @Test
    void aDeviceIsStoppedUnderLoadAndEveryRequestIsAnswered() {
        for (int round = 0; round < 3; round++) {
            try (Device device = serve(new NullTarget(SIZE));
                    ClientDisk disk = lane.openDisk(device.id())) {
                List<CompletableFuture<Long>> answers = new ArrayList<>();
                for (int i = 0; i < 32; i++) {
                    answers.add(disk.submit(write(i)));
                }
                device.stop();
                // A disk that has gone has no size any more, so a late write finds no space.
                for (CompletableFuture<Long> answer : answers) {
                    assertThat(ClientDisk.await(answer))
                            .isIn(
                                    (long) PAGE,
                                    (long) Errno.EIO.negated(),
                                    (long) Errno.ENOSPC.negated());
                }
            }
        }
    }

    @Test
    void aTakenNumberFailsTheStartAndLeavesNothingBehind() {
        try (Device device = serve(new NullTarget(SIZE))) {
            AtomicInteger closed = new AtomicInteger();
            Target target =
                    new Odd() {
                        @Override
                        public int write(Request request) {
                            return 0;
                        }

                        @Override
                        public void close() {
                            closed.incrementAndGet();
                        }
                    };
            assertThatThrownBy(
                            () -> Device.start(lane.driver(), target, OPTIONS.withId(device.id())))
                    .isInstanceOfSatisfying(
                            LinuxException.class,
                            e -> assertThat(e.errno()).isEqualTo(Errno.EEXIST));
            assertThat(closed).hasValue(1);
        }
    }
}
