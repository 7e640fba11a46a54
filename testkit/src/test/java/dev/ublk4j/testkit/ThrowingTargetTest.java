package dev.ublk4j.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.ublk4j.driver.control.Control;
import dev.ublk4j.embedded.ClientMemory;
import dev.ublk4j.embedded.Disk;
import dev.ublk4j.embedded.DiskRequest;
import dev.ublk4j.embedded.EmbeddedDriver;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.linux.Mapping;
import dev.ublk4j.server.Device;
import dev.ublk4j.server.DeviceOptions;
import dev.ublk4j.server.Geometry;
import dev.ublk4j.server.Queue;
import dev.ublk4j.server.Request;
import dev.ublk4j.server.SimpleTarget;
import dev.ublk4j.server.Target;
import dev.ublk4j.server.TargetQueue;
import java.io.Closeable;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Targets that throw where nothing is declared to be thrown, or between two steps. */
class ThrowingTargetTest {
    private static final int PAGE = 4096;

    /** Where it throws a checked exception, as other languages of the JVM let it. */
    private enum Place {
        GEOMETRY,
        OPEN
    }

    private static class Disc implements SimpleTarget {
        final AtomicInteger closed = new AtomicInteger();

        @Override
        public Geometry geometry() {
            return Geometry.ofSize(1 << 20);
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
    }

    private static final class Checked extends Disc {
        private final Place place;

        Checked(Place place) {
            this.place = place;
        }

        @SuppressWarnings("unchecked")
        private static <E extends Throwable> void sneak(Throwable thrown) throws E {
            throw (E) thrown;
        }

        private void at(Place here) {
            if (here == place) {
                ThrowingTargetTest.Checked.<RuntimeException>sneak(new IOException("undeclared"));
            }
        }

        @Override
        public Geometry geometry() {
            at(Place.GEOMETRY);
            return super.geometry();
        }

        @Override
        public TargetQueue open(Queue queue) {
            at(Place.OPEN);
            return super.open(queue);
        }
    }

    /** Names I/O on the ring and does not prepare it. */
    private static final class Forgetful extends Disc {
        private final boolean throwsInstead;

        Forgetful(boolean throwsInstead) {
            this.throwsInstead = throwsInstead;
        }

        @Override
        public int write(Request request) {
            long _ = request.queue().userData(request, Request::complete);
            if (throwsInstead) {
                throw new IllegalStateException("between naming I/O and preparing it");
            }
            return Errno.ENOSPC.negated();
        }
    }

    @ParameterizedTest
    @EnumSource(Place.class)
    void aStartThatFailsByACheckedExceptionLeavesNothingBehind(Place place) {
        Checked target = new Checked(place);
        try (EmbeddedDriver driver = EmbeddedDriver.create()) {
            assertThatThrownBy(() ->
                            Device.start(
                                    driver,
                                    target,
                                    DeviceOptions.defaults().withId(7).withQueues(2)))
                    .hasStackTraceContaining("undeclared");
            assertThat(target.closed).hasValue(1);
            assertThatThrownBy(() -> new Control(driver).info(7))
                    .isInstanceOfSatisfying(
                            LinuxException.class,
                            e -> assertThat(e.errno()).isEqualTo(Errno.ENODEV));
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void ioThatWasNamedAndNotPreparedIsNotWaitedFor(boolean throwsInstead) throws Exception {
        int expected = (throwsInstead ? Errno.EIO : Errno.ENOSPC).negated();
        try (EmbeddedDriver driver = EmbeddedDriver.create();
                Arena arena = Arena.ofShared();
                Device device =
                        Device.start(
                                driver, new Forgetful(throwsInstead), DeviceOptions.defaults());
                ClientMemory client =
                        new ClientMemory(Mapping.anonymous(PAGE, Mapping.MAP_SHARED, arena));
                Disk disk = driver.openBlock(device.id())) {
            for (int turn = 0; turn < 300; turn++) {
                CompletableFuture<Long> written = new CompletableFuture<>();
                DiskRequest request = new DiskRequest((_, result) -> written.complete(result));
                disk.submit(request.write(0).add(client, 0, PAGE));
                assertThat(written.get(4, TimeUnit.MINUTES)).isEqualTo(expected);
            }
        }
    }

    @Test
    void aHandlerThatWouldWaitForItsOwnDeviceIsRefused() throws Exception {
        CompletableFuture<Throwable> refused = new CompletableFuture<>();
        CompletableFuture<Device> self = new CompletableFuture<>();
        Target target =
                new Disc() {
                    @Override
                    public int read(Request request) {
                        try {
                            self.join().awaitStop();
                        } catch (IllegalStateException | InterruptedException e) {
                            refused.complete(e);
                        }
                        return super.read(request);
                    }
                };
        try (EmbeddedDriver driver = EmbeddedDriver.create();
                Arena arena = Arena.ofShared();
                Device device = Device.start(driver, target, DeviceOptions.defaults());
                ClientMemory client =
                        new ClientMemory(Mapping.anonymous(PAGE, Mapping.MAP_SHARED, arena));
                Disk disk = driver.openBlock(device.id())) {
            self.complete(device);
            DiskRequest request = new DiskRequest((_, _) -> {});
            disk.submit(request.read(0).add(client, 0, PAGE));
            assertThat(refused.get(4, TimeUnit.MINUTES)).isInstanceOf(IllegalStateException.class);
        }
    }

    @Test
    void oneLineTellsOfAllRequestsThatHadTheirAnswerBefore() throws IOException {
        List<LogRecord> lines = Collections.synchronizedList(new ArrayList<>());
        Disc twice =
                new Disc() {
                    @Override
                    public int write(Request request) {
                        request.complete((int) request.length());
                        return (int) request.length();
                    }
                };
        try (Closeable _ = collect("dev.ublk4j.server.Handlers", lines);
                TestBed bed = TestBed.of(twice)) {
            for (int page = 0; page < 50; page++) {
                bed.write((long) page * PAGE, new byte[PAGE]);
            }
        }
        assertThat(lines)
                .singleElement()
                .satisfies(
                        line -> assertThat(line.getMessage()).contains("already been completed"));
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, PAGE + 1, Integer.MAX_VALUE, -4096})
    void oneLineTellsOfAllRequestsWhoseCountCannotBe(int count) throws IOException {
        List<LogRecord> lines = Collections.synchronizedList(new ArrayList<>());
        Disc wrong =
                new Disc() {
                    @Override
                    public int write(Request request) {
                        return count;
                    }
                };
        try (Closeable _ = collect("dev.ublk4j.server.Progress", lines);
                TestBed bed = TestBed.of(wrong, DeviceOptions.defaults().withQueues(1))) {
            for (int page = 0; page < 50; page++) {
                long at = (long) page * PAGE;
                assertThatThrownBy(() -> bed.write(at, new byte[PAGE])).hasMessageContaining("EIO");
            }
        }
        assertThat(lines)
                .singleElement()
                .satisfies(line -> {
                    assertThat(line.getMessage())
                            .contains("returned " + count + " for a request of " + PAGE)
                            .contains("later ones are not logged");
                    assertThat(line.getThrown()).isNull();
                });
    }

    /** Collects what is logged until it is closed. */
    private static Closeable collect(String name, List<LogRecord> lines) {
        Logger logger = Logger.getLogger(name);
        Handler collector =
                new Handler() {
                    @Override
                    public void publish(LogRecord line) {
                        lines.add(line);
                    }

                    @Override
                    public void flush() {}

                    @Override
                    public void close() {}
                };
        logger.addHandler(collector);
        return () -> logger.removeHandler(collector);
    }
}
