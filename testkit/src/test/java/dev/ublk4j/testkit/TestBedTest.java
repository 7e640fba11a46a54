package dev.ublk4j.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.ublk4j.embedded.EmbeddedDriver;
import dev.ublk4j.embedded.KernelRelease;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.server.BlockingTarget;
import dev.ublk4j.server.Device;
import dev.ublk4j.server.DeviceOptions;
import dev.ublk4j.server.Recovery;
import dev.ublk4j.server.Request;
import dev.ublk4j.testkit.fault.Fault;
import dev.ublk4j.testkit.fault.Faults;
import dev.ublk4j.testkit.fault.FaultyDriver;
import dev.ublk4j.trials.Leaks;
import dev.ublk4j.uapi.ControlCommand;
import dev.ublk4j.uapi.DeviceState;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class TestBedTest {
    private final Leaks leaks = Leaks.watch();

    @AfterEach
    void nothingIsLeftOpen() {
        leaks.close();
    }

    private static byte[] data(int length) {
        return DiskModel.data(7, length);
    }

    @Test
    void whatIsWrittenIsReadAndForgottenAgain() {
        try (TestBed bed = TestBed.of(new RamDisk())) {
            bed.write(4096, data(8192));
            bed.flush();
            assertThat(bed.read(4096, 8192)).isEqualTo(data(8192));
            bed.discard(4096, 4096);
            bed.writeZeroes(8192, 4096);
            assertThat(bed.read(4096, 8192)).containsOnly(0);
        }
    }

    @Test
    void aRequestInPiecesIsOne() {
        List<Long> lengths = new ArrayList<>();
        RamDisk target =
                new RamDisk() {
                    @Override
                    public int write(Request request) {
                        lengths.add(request.length());
                        return super.write(request);
                    }
                };
        try (TestBed bed = TestBed.of(target)) {
            MemorySegment memory = bed.memory(3 * 4096);
            memory.copyFrom(MemorySegment.ofArray(data(3 * 4096)));
            long done =
                    bed.submit(request ->
                                    request.write(0)
                                            .add(memory.asSlice(8192, 4096))
                                            .add(memory.asSlice(0, 512)))
                            .check();

            assertThat(done).isEqualTo(4608);
            assertThat(lengths).containsExactly(4608L);
            assertThat(bed.read(4096, 512)).startsWith(data(512));
        }
    }

    @Test
    void requestsInSharedMemoryAreNotCopiedUntilItIsTakenBack() {
        try (TestBed bed = TestBed.of(new RamDisk())) {
            SharedArea area = bed.share(8192);
            area.memory().copyFrom(MemorySegment.ofArray(data(8192)));
            bed.submit(request -> request.write(0).add(area.client(), 0, 8192)).check();
            assertThat(bed.device().counters().sharedRequests()).isEqualTo(1);
            assertThat(bed.read(0, 8192)).isEqualTo(data(8192));

            area.unshare();
            bed.submit(request -> request.write(0).add(area.client(), 0, 8192)).check();
            assertThat(bed.device().counters().sharedRequests()).isEqualTo(1);
        }
    }

    @Test
    void anErrnoOfTheTargetIsThrown() {
        RamDisk target =
                new RamDisk() {
                    @Override
                    public int read(Request request) {
                        return Errno.ENOSPC.negated();
                    }
                };
        try (TestBed bed = TestBed.of(target)) {
            assertThatThrownBy(() -> bed.read(0, 512))
                    .isInstanceOfSatisfying(
                            LinuxException.class,
                            e -> assertThat(e.errno()).isEqualTo(Errno.ENOSPC));
        }
    }

    private static class RamDiskOnThreads extends RamDisk implements BlockingTarget {}

    @Test
    void aDeviceStopsWhenItsTargetHasAnswered() throws Exception {
        CountDownLatch answer = new CountDownLatch(1);
        RamDisk target =
                new RamDiskOnThreads() {
                    @Override
                    public int read(Request request) {
                        try {
                            answer.await();
                        } catch (InterruptedException e) {
                            throw new IllegalStateException(e);
                        }
                        return super.read(request);
                    }
                };
        try (TestBed bed = TestBed.of(target)) {
            MemorySegment memory = bed.memory(4096);
            InFlight out = bed.submit(request -> request.read(0).add(memory));
            var stopped = bed.beginStop();
            InFlight late = bed.submit(request -> request.read(0).add(memory));

            assertThat(late.result()).isEqualTo(Errno.EIO.negated());
            assertThat(stopped).isNotDone();
            assertThat(out.isDone()).isFalse();
            answer.countDown();
            stopped.get();
            assertThat(out.result()).isEqualTo(4096);
        }
    }

    @ParameterizedTest
    @EnumSource
    void aServerThatDiesLeavesWhatItsKindOfRecoverySays(Recovery recovery) {
        try (TestBed bed = TestBed.of(new RamDisk(), TestBed.options().with(recovery))) {
            Fault death = bed.faults().killAtAnswer(2);
            MemorySegment memory = bed.memory(4096);
            InFlight first = bed.submit(request -> request.read(0).add(memory));
            assertThat(first.result()).isEqualTo(4096);
            InFlight second = bed.submit(request -> request.read(0).add(memory));
            bed.awaitDeath();

            assertThat(death.struck()).isEqualTo(1);
            assertThat(bed.state())
                    .isEqualTo(
                            switch (recovery) {
                                case NONE -> DeviceState.UBLK_S_DEV_DEAD;
                                case WAIT, REISSUE -> DeviceState.UBLK_S_DEV_QUIESCED;
                                case FAIL -> DeviceState.UBLK_S_DEV_FAIL_IO;
                            });
            if (recovery == Recovery.REISSUE) {
                assertThat(second.isDone()).isFalse();
            } else {
                assertThat(second.result()).isEqualTo(Errno.EIO.negated());
            }
        }
    }

    @Test
    void theNextServerIsGivenTheRequestsAndTheSharedMemoryOfTheDeadOne() {
        DeviceOptions options = TestBed.options().with(Recovery.REISSUE);
        try (TestBed bed = TestBed.of(new RamDisk(), options)) {
            SharedArea area = bed.share(4096);
            area.memory().copyFrom(MemorySegment.ofArray(data(4096)));
            bed.faults().killAtAnswer(1);
            InFlight write = bed.submit(request -> request.write(0).add(area.client(), 0, 4096));
            bed.awaitDeath();
            assertThat(write.isDone()).isFalse();

            bed.recover(new RamDisk());
            assertThat(write.result()).isEqualTo(4096);
            assertThat(bed.read(0, 4096)).isEqualTo(data(4096));
            assertThat(bed.device().counters().sharedRequests()).isEqualTo(1);
            area.unshare();
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = ControlCommand.class,
            names = {"ADD_DEV", "SET_PARAMS", "START_DEV"})
    void aDeviceThatTheDriverRefusesLeavesNothing(ControlCommand command) {
        RamDisk target = new RamDisk();
        Faults faults = new Faults();
        faults.refuse(command, Errno.ENOMEM);
        try (EmbeddedDriver driver = EmbeddedDriver.create()) {
            FaultyDriver faulty = new FaultyDriver(driver, faults);
            assertThatThrownBy(() -> Device.start(faulty, target, TestBed.options()))
                    .isInstanceOfSatisfying(
                            LinuxException.class,
                            e -> assertThat(e.errno()).isEqualTo(Errno.ENOMEM));
            assertThat(driver.deviceIds()).isEmpty();
        }
        assertThat(target.disk.scope().isAlive()).isFalse();
    }

    @ParameterizedTest
    @EnumSource(KernelRelease.class)
    void eachReleaseServesATargetAndItsNextServer(KernelRelease release) {
        DeviceOptions options = DeviceOptions.defaults().withDepth(16).with(Recovery.REISSUE);
        RamDisk first = new RamDisk();
        try (TestBed bed = TestBed.of(first, options, release)) {
            bed.write(4096, data(8192));
            assertThat(bed.read(4096, 8192)).isEqualTo(data(8192));
            bed.kill();
            assertThat(bed.state()).isEqualTo(DeviceState.UBLK_S_DEV_QUIESCED);

            bed.recover(new RamDisk());
            bed.write(0, data(4096));
            assertThat(bed.read(0, 4096)).isEqualTo(data(4096));
        }
    }
}
