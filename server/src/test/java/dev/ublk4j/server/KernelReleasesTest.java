package dev.ublk4j.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.ublk4j.driver.MissingFeatureException;
import dev.ublk4j.driver.control.Control;
import dev.ublk4j.embedded.Disk;
import dev.ublk4j.embedded.EmbeddedDriver;
import dev.ublk4j.embedded.EmbeddedOptions;
import dev.ublk4j.embedded.KernelRelease;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.Mapping;
import dev.ublk4j.server.spi.QueueGuest;
import dev.ublk4j.server.spi.QueueHost;
import dev.ublk4j.uapi.DeviceState;
import dev.ublk4j.uapi.Feature;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;

@ParameterizedClass
@EnumSource(KernelRelease.class)
@DisplayName("On each release of Linux")
class KernelReleasesTest {
    private static final int PAGE = 4096;
    private static final Duration PATIENCE = Duration.ofMinutes(4);

    /** What the embedded driver has in some release and a device can ask for. */
    private static final Set<Feature> ASKED =
            Set.of(
                    Feature.USER_COPY,
                    Feature.UPDATE_SIZE,
                    Feature.NO_AUTO_PART_SCAN,
                    Feature.SHMEM_ZC,
                    Feature.SAFE_STOP_DEV,
                    Feature.PER_IO_DAEMON,
                    Feature.CMD_IOCTL_ENCODE);

    private final KernelRelease release;
    private final EmbeddedDriver driver;
    private final Control control;
    private final Arena arena = Arena.ofShared();
    private final MemorySegment page = Mapping.anonymous(PAGE, Mapping.MAP_PRIVATE, arena);
    private final MemorySegment lasting = arena.allocate(2L * TestDisk.SIZE);

    KernelReleasesTest(KernelRelease release) {
        this.release = release;
        driver = EmbeddedDriver.create(EmbeddedOptions.defaults().asKernel(release));
        control = new Control(driver);
    }

    @AfterEach
    void close() {
        for (int id : driver.deviceIds()) {
            control.delete(id);
        }
        driver.close();
        arena.close();
    }

    /** Data that outlives the target, as a file would; it can be resized. */
    private class LastingDisk extends TestDisk implements Resizable {
        long size = SIZE;

        @Override
        public int read(Request request) {
            return request.copyFrom(lasting, request.offset());
        }

        @Override
        public int write(Request request) {
            return request.copyTo(lasting, request.offset());
        }

        @Override
        public void resize(long newSize) {
            size = newSize;
        }
    }

    private boolean isAtLeast(KernelRelease other) {
        return release.compareTo(other) >= 0;
    }

    private static DeviceOptions options() {
        return DeviceOptions.defaults().withQueues(2).withDepth(16);
    }

    private void verify(int device, long value) {
        try (Disk disk = driver.openBlock(device)) {
            page.set(ValueLayout.JAVA_LONG, 8, value);
            assertThat(disk.write(page, PAGE)).isEqualTo(PAGE);
            page.fill((byte) 0);
            assertThat(disk.read(page, PAGE)).isEqualTo(PAGE);
            assertThat(page.get(ValueLayout.JAVA_LONG, 8)).isEqualTo(value);
        }
    }

    @Test
    void aDeviceIsServedAndDeleted() {
        try (Device device = Device.start(driver, new LastingDisk(), options())) {
            verify(device.id(), 4711);
            assertThat(control.info(device.id()).state()).isEqualTo(DeviceState.UBLK_S_DEV_LIVE);
        }
        assertThat(driver.deviceIds()).isEmpty();
    }

    @Test
    void aDeviceIsServedWithTheUsersCopiesOrRefused() {
        DeviceOptions copying = options().with(Feature.USER_COPY);
        if (isAtLeast(KernelRelease.LINUX_6_6)) {
            try (Device device = Device.start(driver, new LastingDisk(), copying)) {
                verify(device.id(), 4712);
            }
        } else {
            assertRefused(copying, Feature.USER_COPY);
        }
    }

    @Test
    void parametersThatAreNotKeptAreOnesThatCopiesDoNotNeed() {
        try (Device device = Device.start(driver, new LastingDisk(), options())) {
            boolean kept = control.params(device.id()).dmaAlign() != null;
            assertThat(kept).isEqualTo(isAtLeast(KernelRelease.LINUX_6_18));
            verify(device.id(), 4713);
        }
    }

    /** Ends its queue's thread when it is told to, as a bug would. */
    private static final class FailingGuest implements QueueGuest {
        private volatile boolean told;
        private volatile @Nullable QueueHost queue;

        @Override
        public void started(QueueHost itsQueue) {
            queue = itsQueue;
        }

        void fail() {
            told = true;
            Objects.requireNonNull(queue).call();
        }

        @Override
        public void completed(long value, int result, int flags) {}

        @Override
        public void stopped() {}

        @Override
        public boolean turn(boolean busy) {
            if (told) {
                throw new IllegalStateException("told to fail");
            }
            return false;
        }
    }

    private int leaveByFailing(Recovery recovery) throws InterruptedException {
        FailingGuest guest = new FailingGuest();
        DeviceOptions options = options().withQueues(1).with(recovery);
        try (Device device =
                Device.start(driver, new GuestedDisk(new LastingDisk(), queue -> guest), options)) {
            verify(device.id(), 4714);
            guest.fail();
            assertThat(device.awaitStop(PATIENCE)).isTrue();
            assertThat(device.isLeft()).isTrue();
            return device.id();
        }
    }

    @Test
    void aDeviceWhoseServerFailedIsRecovered() throws InterruptedException {
        int id = leaveByFailing(Recovery.REISSUE);
        try (Device device = Device.recover(driver, id, new LastingDisk(), Inheritance.none())) {
            verify(device.id(), 4715);
        }
    }

    @Test
    void recoveryThatFailsRequestsMeanwhileIsRefusedWhereItWouldMakeThemWait() {
        DeviceOptions failing = options().with(Recovery.FAIL);
        if (isAtLeast(KernelRelease.LINUX_6_18)) {
            try (Device device = Device.start(driver, new LastingDisk(), failing)) {
                assertThat(Recovery.of(device.info().flags())).isEqualTo(Recovery.FAIL);
            }
        } else {
            assertRefused(failing, Feature.USER_RECOVERY_FAIL_IO);
        }
    }

    @Test
    void aDeviceIsResizedOrItsTargetKeepsItsSize() {
        LastingDisk target = new LastingDisk();
        long larger = 2L * TestDisk.SIZE;
        try (Device device =
                Device.start(driver, target, options().withIfAble(Feature.UPDATE_SIZE))) {
            if (isAtLeast(KernelRelease.LINUX_6_18)) {
                device.resize(larger);
                assertThat(target.size).isEqualTo(larger);
            } else {
                assertThatThrownBy(() -> device.resize(larger))
                        .isInstanceOf(MissingFeatureException.class)
                        .hasMessage(
                                driver.name() + " has no UPDATE_SIZE, which came with Linux 6.16");
                assertThat(target.size).isEqualTo(TestDisk.SIZE);
                assertThat(device.geometry().size()).isEqualTo(TestDisk.SIZE);
            }
        }
    }

    @Test
    void aDeviceIsHandedOverInOrderOrKeepsItsServer() {
        try (Device device =
                Device.start(driver, new LastingDisk(), options().with(Recovery.WAIT))) {
            if (isAtLeast(KernelRelease.LINUX_6_18)) {
                device.quiesce(PATIENCE);
                assertThat(device.isLeft()).isTrue();
            } else {
                assertThatThrownBy(() -> device.quiesce(PATIENCE))
                        .isInstanceOf(MissingFeatureException.class)
                        .hasMessageContaining("QUIESCE, which came with Linux 6.16");
                verify(device.id(), 4716);
            }
        }
    }

    @Test
    void memoryIsSharedOrRefused() {
        DeviceOptions sharing = options().with(Feature.SHMEM_ZC);
        if (isAtLeast(KernelRelease.LINUX_7_1)) {
            try (Device device = Device.start(driver, new LastingDisk(), sharing)) {
                assertThat(Feature.SHMEM_ZC.in(device.info().flags())).isTrue();
            }
        } else {
            assertRefused(sharing, Feature.SHMEM_ZC);
            try (Device device = Device.start(driver, new LastingDisk(), options())) {
                assertThatThrownBy(() -> device.share(page, false))
                        .isInstanceOf(MissingFeatureException.class)
                        .hasMessageContaining("SHMEM_ZC, which came with Linux 7.1");
            }
        }
    }

    @Test
    void whatADeviceMustHaveIsThereOrTheRefusalNamesTheRelease() {
        for (Feature feature : ASKED) {
            boolean here = isAtLeast(releaseOf(feature));
            if (here) {
                try (Device device =
                        Device.start(driver, new LastingDisk(), options().with(feature))) {
                    assertThat(feature.in(device.info().flags())).as("%s", feature).isTrue();
                }
            } else {
                assertRefused(options().with(feature), feature);
            }
        }
    }

    /** The first release here that has a feature. */
    private static KernelRelease releaseOf(Feature feature) {
        return switch (feature) {
            case CMD_IOCTL_ENCODE -> KernelRelease.LINUX_6_4;
            case USER_COPY -> KernelRelease.LINUX_6_6;
            case UPDATE_SIZE, PER_IO_DAEMON -> KernelRelease.LINUX_6_18;
            case SAFE_STOP_DEV, NO_AUTO_PART_SCAN -> KernelRelease.LINUX_7_0;
            case SHMEM_ZC -> KernelRelease.LINUX_7_1;
            default -> throw new IllegalArgumentException(feature.name());
        };
    }

    @Test
    void whatADeviceWishesForIsThereOrOneLineSaysWhatIsDoneInstead() {
        List<String> lines = new ArrayList<>();
        Logger logger = Logger.getLogger(Negotiation.class.getName());
        Handler collector = collector(lines);
        logger.addHandler(collector);
        try (Device device =
                Device.start(
                        driver,
                        new LastingDisk(),
                        options().withIfAble(Feature.UPDATE_SIZE).with(Recovery.WAIT))) {
            verify(device.id(), 4717);
        } finally {
            logger.removeHandler(collector);
        }
        if (isAtLeast(KernelRelease.LINUX_6_18)) {
            assertThat(lines).isEmpty();
        } else {
            assertThat(lines)
                    .containsExactly(
                            ("ublk0: %s has no UPDATE_SIZE, which came with Linux 6.16;"
                                            + " the device keeps its size")
                                    .formatted(driver.name()),
                            ("ublk0: %s has no QUIESCE, which came with Linux 6.16;"
                                            + " its server can only be replaced by killing it")
                                    .formatted(driver.name()));
        }
    }

    private static Handler collector(List<String> lines) {
        return new Handler() {
            @Override
            public void publish(LogRecord line) {
                if (line.getLevel().intValue() >= Level.WARNING.intValue()) {
                    lines.add(line.getMessage());
                }
            }

            @Override
            public void flush() {}

            @Override
            public void close() {}
        };
    }

    @Test
    void featuresAreToldOrItIsSaidThatTheyAreNot() {
        if (isAtLeast(KernelRelease.LINUX_6_6)) {
            assertThat(control.features()).contains(Feature.USER_COPY);
        } else {
            assertThatThrownBy(control::features)
                    .isInstanceOf(MissingFeatureException.class)
                    .hasMessageContaining("GET_FEATURES, which came with Linux 6.5");
        }
    }

    @Test
    void aDeviceIsDeletedWithoutWaitingOrWithAWordOnWhyNot() {
        try (Device device = Device.start(driver, new LastingDisk(), options())) {
            int id = device.id();
            if (isAtLeast(KernelRelease.LINUX_6_12)) {
                control.deleteAsync(id);
            } else {
                assertThatThrownBy(() -> control.deleteAsync(id))
                        .isInstanceOf(MissingFeatureException.class)
                        .hasMessageContaining("DEL_DEV_ASYNC, which came with Linux 6.7");
            }
        }
    }

    private void assertRefused(DeviceOptions options, Feature feature) {
        LastingDisk target = new LastingDisk();
        assertThatThrownBy(() -> Device.start(driver, target, options))
                .isInstanceOfSatisfying(
                        MissingFeatureException.class,
                        refused -> assertThat(refused.errno()).isEqualTo(Errno.EOPNOTSUPP))
                .hasMessageStartingWith(
                        "%s has no %s, which came with Linux %s",
                        driver.name(), feature, feature.since());
        assertThat(target.closed).isTrue();
        assertThat(driver.deviceIds()).isEmpty();
    }
}
