package dev.ublk4j.layers;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import dev.ublk4j.embedded.ClientMemory;
import dev.ublk4j.embedded.Disk;
import dev.ublk4j.embedded.DiskRequest;
import dev.ublk4j.embedded.EmbeddedDriver;
import dev.ublk4j.server.Device;
import dev.ublk4j.server.DeviceOptions;
import dev.ublk4j.server.ForwardingTarget;
import dev.ublk4j.server.Operation;
import dev.ublk4j.server.Queue;
import dev.ublk4j.server.Target;
import dev.ublk4j.server.TargetQueue;
import dev.ublk4j.targets.BackingFile;
import dev.ublk4j.targets.FileTarget;
import dev.ublk4j.targets.MemoryTarget;
import dev.ublk4j.testkit.Exerciser;
import dev.ublk4j.testkit.TestBed;
import dev.ublk4j.trials.Leaks;
import dev.ublk4j.uapi.Feature;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.IntFunction;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** What holds for every layer, over every kind of target. */
class LayersTest {
    private static final int SIZE = 1 << 20;
    private static final int CHUNK = 8192;

    @TempDir Path folder;

    /** What the legs are. */
    enum Legs {
        IN_MEMORY,
        ON_THE_RING,
        BLOCKING
    }

    /** Makes layers over legs, which are made by number. */
    enum Kind {
        STRIPE {
            @Override
            Target over(IntFunction<Target> legs, Path folder) {
                return new Stripe(List.of(legs.apply(0), legs.apply(1), legs.apply(2)), CHUNK);
            }
        },
        MIRROR {
            @Override
            Target over(IntFunction<Target> legs, Path folder) {
                try {
                    MirrorLog log = MirrorLog.inFile(folder.resolve("mirror.log"));
                    return new Mirror(List.of(legs.apply(0), legs.apply(1)), log);
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
            }
        },
        CONCAT {
            @Override
            Target over(IntFunction<Target> legs, Path folder) {
                return new Concat(List.of(legs.apply(0), legs.apply(1)));
            }
        },
        OVERLAY {
            @Override
            Target over(IntFunction<Target> legs, Path folder) {
                try {
                    OverlayMap map = OverlayMap.inFile(folder.resolve("map"), SIZE, CHUNK);
                    return new Overlay(legs.apply(0), legs.apply(1), map);
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
            }
        },
        FAULTS {
            @Override
            Target over(IntFunction<Target> legs, Path folder) {
                return new FaultInjector(
                        legs.apply(0),
                        DiskFault.delay(LatencyTable.parse("p0:1ns/p50:5us/max:40us")),
                        DiskFault.hang().on(Operation.WRITE).within(SIZE, SIZE + 1));
            }
        },
        STRIPE_OF_MIRRORS {
            @Override
            Target over(IntFunction<Target> legs, Path folder) {
                Target one = new Mirror(List.of(legs.apply(0), legs.apply(1)), log(folder, "one"));
                Target two = new Mirror(List.of(legs.apply(2), legs.apply(3)), log(folder, "two"));
                return new Stripe(List.of(one, two), CHUNK);
            }

            private static MirrorLog log(Path folder, String name) {
                try {
                    return MirrorLog.inFile(folder.resolve(name));
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
            }
        };

        abstract Target over(IntFunction<Target> legs, Path folder);
    }

    static Stream<Arguments> everywhere() {
        return Stream.of(Kind.values())
                .flatMap(kind -> Stream.of(Legs.values()).map(legs -> Arguments.of(kind, legs)));
    }

    private Target leg(Legs legs, int number) {
        Path path = folder.resolve("leg-" + number);
        try {
            return switch (legs) {
                case IN_MEMORY -> new LastingDisk(path, SIZE);
                case BLOCKING -> new LastingDisk.OnThreads(path, SIZE);
                case ON_THE_RING -> {
                    try (RandomAccessFile file = new RandomAccessFile(path.toFile(), "rw")) {
                        file.setLength(SIZE);
                    }
                    yield new FileTarget(
                            BackingFile.open(path, BackingFile.Caching.BUFFERED, false));
                }
            };
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private Target layer(Kind kind, Legs legs) {
        return kind.over(number -> leg(legs, number), folder);
    }

    @ParameterizedTest
    @MethodSource("everywhere")
    void isADiskLikeAnyOther(Kind kind, Legs legs) {
        try (Leaks _ = Leaks.watch()) {
            Exerciser.of(() -> layer(kind, legs)).withRounds(3).withRestarts().run();
        }
    }

    @ParameterizedTest
    @EnumSource
    void staysADiskWhenTheIoBelowIsShortShuffledAndFails(Kind kind) {
        try (Leaks _ = Leaks.watch()) {
            Exerciser.of(() -> layer(kind, Legs.ON_THE_RING))
                    .withRounds(4)
                    .withShortAndShuffledIo()
                    .withFailingIo()
                    .run();
        }
    }

    @ParameterizedTest
    @MethodSource("everywhere")
    void servesSeveralQueuesAndUserCopy(Kind kind, Legs legs) {
        DeviceOptions options =
                TestBed.options().withQueues(2).withDepth(8).with(Feature.USER_COPY);
        Exerciser.of(() -> layer(kind, legs)).withRounds(2).withOptions(options).run();
    }

    /** A layer whose queue's thread is known. */
    private static final class Watched extends ForwardingTarget {
        private final AtomicLong thread;

        Watched(Target target, AtomicLong thread) {
            super(target);
            this.thread = thread;
        }

        @Override
        public TargetQueue open(Queue queue) {
            thread.set(Thread.currentThread().threadId());
            return super.open(queue);
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = Kind.class,
            names = {"STRIPE", "MIRROR", "CONCAT", "OVERLAY", "STRIPE_OF_MIRRORS"})
    void aRequestAllocatesNothingOnItsWayThroughLayers(Kind kind) throws Exception {
        AtomicLong thread = new AtomicLong();
        Target layer = kind.over(_ -> new MemoryTarget(SIZE), folder);
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        try (EmbeddedDriver driver = EmbeddedDriver.create();
                Arena arena = Arena.ofShared();
                Device device =
                        Device.start(driver, new Watched(layer, thread), DeviceOptions.defaults());
                ClientMemory client = new ClientMemory(arena.allocate(1 << 16, 4096));
                Disk disk = driver.openBlock(device.id())) {
            long least = Long.MAX_VALUE;
            for (int round = 0; round < 40 && least > 0; round++) {
                long before = threads.getThreadAllocatedBytes(thread.get());
                submitMany(disk, client, 20_000);
                least = Math.min(least, threads.getThreadAllocatedBytes(thread.get()) - before);
            }
            assertThat(least).isZero();
        }
    }

    /** Reads and writes across chunks, each submitted by the one that ended before it. */
    private static void submitMany(Disk disk, ClientMemory client, int count) throws Exception {
        CountDownLatch left = new CountDownLatch(count);
        Random random = new Random(1);
        DiskRequest request =
                new DiskRequest((done, result) -> {
                    assert result == done.length() : done + ": " + result;
                    left.countDown();
                    int number = (int) left.getCount();
                    if (number > 0) {
                        long at = random.nextInt(32) * 4096L;
                        DiskRequest next = number % 2 == 0 ? done.read(at) : done.write(at);
                        disk.submit(next.add(client, 0, (number % 4 + 1) * 4096));
                    }
                });
        disk.submit(request.write(0).add(client, 0, 4096));
        assertThat(left.await(5, TimeUnit.MINUTES)).isTrue();
    }
}
