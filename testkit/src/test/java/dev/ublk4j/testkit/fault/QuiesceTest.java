package dev.ublk4j.testkit.fault;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.ublk4j.driver.DataCounters;
import dev.ublk4j.driver.Driver;
import dev.ublk4j.driver.spi.CharDevice;
import dev.ublk4j.embedded.Disk;
import dev.ublk4j.embedded.EmbeddedDriver;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.server.Device;
import dev.ublk4j.server.DeviceOptions;
import dev.ublk4j.server.Geometry;
import dev.ublk4j.server.Inheritance;
import dev.ublk4j.server.Recovery;
import dev.ublk4j.server.Request;
import dev.ublk4j.server.SimpleTarget;
import dev.ublk4j.uapi.ControlCommand;
import dev.ublk4j.uapi.wire.ControlCommandLayout;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** A driver that does not let a server leave at once. */
class QuiesceTest {
    private static final Duration LONG = Duration.ofMinutes(4);
    private static final int SIZE = 1 << 20;

    private final EmbeddedDriver driver = EmbeddedDriver.create();
    private final Faults faults = new Faults();
    private final Attentive attentive = new Attentive(new FaultyDriver(driver, faults));

    /** Remembers how long each QUIESCE_DEV lets the driver wait. */
    private record Attentive(Driver driver, List<Long> times) implements Driver {
        Attentive(Driver driver) {
            this(driver, new CopyOnWriteArrayList<>());
        }

        @Override
        public int control(int commandOp, MemorySegment command, Duration timeout) {
            if (ControlCommand.of(commandOp) == ControlCommand.QUIESCE_DEV) {
                times.add(ControlCommandLayout.data(command, 0));
            }
            return driver.control(commandOp, command, timeout);
        }

        @Override
        public String name() {
            return driver.name();
        }

        @Override
        public CharDevice open(int deviceId) {
            return driver.open(deviceId);
        }

        @Override
        public Optional<DataCounters> dataCounters(int deviceId) {
            return driver.dataCounters(deviceId);
        }

        @Override
        public void close() {}
    }

    /** A disk of zeroes. */
    private record Zeroes() implements SimpleTarget {
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
    }

    @AfterEach
    void close() {
        faults.clear();
        driver.close();
    }

    private Device start() {
        return Device.start(
                attentive, new Zeroes(), DeviceOptions.defaults().withDepth(4).with(Recovery.WAIT));
    }

    private void assertServed(int device) {
        try (Disk disk = driver.openBlock(device);
                Arena arena = Arena.ofShared()) {
            assertThat(disk.read(arena.allocate(4096, 4096), 0)).isEqualTo(4096);
        }
    }

    @ParameterizedTest
    @CsvSource({"EBUSY, 1", "EBUSY, 2", "EINTR, 1", "EINTR, 2"})
    void isAskedAgainWhileThereIsPatience(Errno errno, int times) {
        int id;
        try (Device device = start()) {
            id = device.id();
            faults.refuse(ControlCommand.QUIESCE_DEV, errno, times);
            device.quiesce(LONG);
            assertThat(attentive.times).hasSize(times + 1);
            assertThat(device.isLeft()).isTrue();
        }
        try (Device next = Device.recover(driver, id, new Zeroes(), Inheritance.none())) {
            assertServed(next.id());
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"EBUSY", "EINTR"})
    void isToldWhenThePatienceEndsAndServedAndCanLeaveLater(Errno errno) {
        try (Device device = start()) {
            faults.refuse(ControlCommand.QUIESCE_DEV, errno);
            assertThatThrownBy(() -> device.quiesce(Duration.ofMillis(30)))
                    .isInstanceOfSatisfying(
                            LinuxException.class, e -> assertThat(e.errno()).isEqualTo(errno))
                    .hasMessageContaining("QUIESCE_DEV");
            assertServed(device.id());
            faults.clear();
            device.quiesce(LONG);
            assertThat(device.isLeft()).isTrue();
        }
    }

    @Test
    void isNotAskedAgainWhenItRefusesForGood() {
        try (Device device = start()) {
            faults.refuse(ControlCommand.QUIESCE_DEV, Errno.EPERM, 1);
            assertThatThrownBy(() -> device.quiesce(LONG))
                    .isInstanceOfSatisfying(
                            LinuxException.class,
                            e -> assertThat(e.errno()).isEqualTo(Errno.EPERM));
            assertThat(attentive.times).hasSize(1);
            assertServed(device.id());
        }
    }

    /** To the kernel, no milliseconds are for ever; and it reads 32 bits of their number. */
    @ParameterizedTest
    @CsvSource({"0, 1", "1, 1", "999999, 1", "4294967296000000, 4294967295"})
    void neverWaitsForeverUnlessItIsToldTo(long nanoseconds, long milliseconds) {
        try (Device device = start()) {
            device.quiesce(Duration.ofNanos(nanoseconds));
            assertThat(attentive.times).hasSize(1);
            assertThat(attentive.times.getFirst()).isBetween(1L, milliseconds);
        }
    }
}
