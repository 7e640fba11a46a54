package dev.ublk4j.layers;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.ublk4j.layers.FaultInjector.Injected;
import dev.ublk4j.layers.Mirror.LegState;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.server.Operation;
import dev.ublk4j.server.Queue;
import dev.ublk4j.server.Target;
import dev.ublk4j.server.TargetQueue;
import dev.ublk4j.targets.MemoryTarget;
import dev.ublk4j.testkit.TestBed;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(300)
class MirrorTest {
    private static final int SIZE = 1 << 20;

    @TempDir Path folder;

    private LastingDisk disk(String name) {
        return new LastingDisk(folder.resolve(name), SIZE);
    }

    private MirrorLog log() throws IOException {
        return MirrorLog.inFile(folder.resolve("log"));
    }

    private static byte[] random(int seed) {
        byte[] bytes = new byte[SIZE / 2];
        new Random(seed).nextBytes(bytes);
        return bytes;
    }

    private static void awaitInStep(Mirror mirror) {
        while (mirror.states().contains(LegState.SYNCING)) {
            LockSupport.parkNanos(1_000_000);
        }
    }

    @Test
    void aLegThatFailsAWriteIsMarkedAndTheOthersServe() throws IOException {
        FaultInjector failing =
                new FaultInjector(disk("one"), DiskFault.error(Errno.EIO).on(Operation.WRITE));
        Mirror mirror = new Mirror(List.of(failing, disk("two")), log());
        byte[] data = random(1);
        try (TestBed bed = TestBed.of(mirror)) {
            bed.write(0, data);
            assertThat(mirror.states()).containsExactly(LegState.FAILED, LegState.IN_STEP);
            assertThat(bed.read(0, data.length)).isEqualTo(data);
        }
        assertThat(Files.readAllLines(folder.resolve("log"))).contains("closed", "failed 1");

        // The next server reads from the other leg still.
        Mirror next = new Mirror(List.of(disk("one"), disk("two")), log());
        try (TestBed bed = TestBed.of(next)) {
            assertThat(next.states()).containsExactly(LegState.FAILED, LegState.IN_STEP);
            assertThat(bed.read(0, data.length)).isEqualTo(data);
        }
    }

    @Test
    void aReadThatFailsIsServedByAnotherLeg() throws IOException {
        FaultInjector failing =
                new FaultInjector(disk("one"), DiskFault.error(Errno.EIO).on(Operation.READ));
        Mirror mirror = new Mirror(List.of(failing, disk("two")), log());
        byte[] data = random(2);
        try (TestBed bed = TestBed.of(mirror)) {
            bed.write(0, data);
            assertThat(bed.read(0, data.length)).isEqualTo(data);
            assertThat(mirror.states()).containsExactly(LegState.FAILED, LegState.IN_STEP);
        }
    }

    @Test
    void theErrorsOfTheLastLegAreThoseOfTheDevice() {
        DiskFault rule = DiskFault.error(Errno.ENOSPC).on(Operation.WRITE);
        Mirror mirror =
                new Mirror(
                        List.of(
                                new FaultInjector(disk("one"), rule),
                                new FaultInjector(disk("two"), rule)),
                        MirrorLog.inMemory());
        try (TestBed bed = TestBed.of(mirror)) {
            assertThatThrownBy(() -> bed.write(0, random(3)))
                    .isInstanceOfSatisfying(
                            LinuxException.class,
                            e -> assertThat(e.errno()).isEqualTo(Errno.ENOSPC));
            assertThat(mirror.states()).contains(LegState.IN_STEP);
            assertThat(bed.read(0, 4096)).isEqualTo(new byte[4096]);
        }
    }

    @Test
    void aLegThatCameBackIsBroughtInStepWhileTheDeviceIsWrittenTo() throws Exception {
        LastingDisk second = disk("two");
        FaultInjector failing =
                new FaultInjector(second, DiskFault.error(Errno.EIO).on(Operation.WRITE));
        Mirror mirror = new Mirror(List.of(disk("one"), failing), log());
        byte[] data = random(4);
        try (TestBed bed = TestBed.of(mirror)) {
            bed.write(0, data);
            assertThat(mirror.states()).containsExactly(LegState.IN_STEP, LegState.FAILED);
            failing.clear();
            mirror.resync(1);
            Random random = new Random(5);
            for (int i = 0; i < 2000; i++) {
                byte[] page = new byte[4096];
                random.nextBytes(page);
                int at = random.nextInt(data.length / 4096) * 4096;
                bed.write(at, page);
                System.arraycopy(page, 0, data, at, 4096);
            }
            awaitInStep(mirror);
            assertThat(mirror.states()).containsOnly(LegState.IN_STEP);
            assertThat(bed.read(0, data.length)).isEqualTo(data);
            assertThat(second.disk.asSlice(0, data.length).mismatch(MemorySegment.ofArray(data)))
                    .isEqualTo(-1);
            assertThatThrownBy(() -> mirror.resync(1)).isInstanceOf(IllegalStateException.class);
        }
        assertThat(Files.readAllLines(folder.resolve("log"))).doesNotContain("failed 2");
    }

    @Test
    void aMirrorThatWasNotClosedBringsItsLegsInStep() throws IOException {
        LastingDisk first = disk("one");
        LastingDisk second = disk("two");
        try (MirrorLog killed = log()) {
            killed.setOpen(true);
        }
        first.disk.fill((byte) 1);
        second.disk.fill((byte) 2);
        Mirror mirror = new Mirror(List.of(first, second), log());
        try (TestBed bed = TestBed.of(mirror)) {
            byte[] ones = new byte[4096];
            Arrays.fill(ones, (byte) 1);
            assertThat(bed.read(SIZE / 2, 4096)).isEqualTo(ones);
            awaitInStep(mirror);
            assertThat(second.disk.mismatch(first.disk)).isEqualTo(-1);
        }
    }

    @Test
    void whatDoesNotFitIsRefusedInOneLineAndClosed() throws IOException {
        Closing one = new Closing(new MemoryTarget(SIZE));
        Closing two = new Closing(new MemoryTarget(2 * SIZE));
        assertThatThrownBy(() -> new Mirror(List.of(one, two), log()))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("mirror: leg 2 has 2097152 bytes, and leg 1 has 1048576");
        assertThat(one.closed).isTrue();
        assertThat(two.closed).isTrue();
        assertThatThrownBy(() -> new Mirror(List.of(disk("one")), log()))
                .hasMessageContaining("at least 2");
        Files.writeString(folder.resolve("other"), "a file of somebody\n");
        assertThatThrownBy(() -> MirrorLog.inFile(folder.resolve("other")))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("not the log of a mirror");
    }

    @Test
    void aLegThatDoesNotOpenLeavesNothingBehind() {
        Closing one = new Closing(new MemoryTarget(SIZE));
        Target two =
                new Closing(new MemoryTarget(SIZE)) {
                    @Override
                    public TargetQueue open(Queue queue) {
                        throw new IllegalStateException("does not open");
                    }
                };
        assertThatThrownBy(() -> TestBed.of(new Mirror(List.of(one, two), MirrorLog.inMemory())))
                .hasStackTraceContaining("does not open");
        assertThat(one.closed).isTrue();
        assertThat(one.queuesOpen).hasValue(0);
    }

    @Test
    void aLegThatFailsWhileItIsCopiedToAndComesBackIsCopiedFromTheBeginning() throws Exception {
        LastingDisk first = disk("one");
        LastingDisk second = disk("two");
        DiskFault firstPage = DiskFault.error(Errno.EIO).on(Operation.WRITE).within(0, 4096);
        FaultInjector failing = new FaultInjector(second, firstPage);
        Target slow =
                new FaultInjector(first, DiskFault.delay(Duration.ofMillis(5)).on(Operation.READ));
        Mirror mirror = new Mirror(List.of(slow, failing), log());
        byte[] data = random(6);
        try (TestBed bed = TestBed.of(mirror)) {
            bed.write(0, data);
            failing.clear();
            mirror.resync(1);
            while (second.disk.get(ValueLayout.JAVA_LONG, 65536) == 0) {
                LockSupport.parkNanos(100_000);
            }
            // The first window has been copied; now it gets other data that the leg misses.
            Injected _ = failing.inject(firstPage);
            byte[] other = new byte[4096];
            Arrays.fill(other, (byte) 7);
            bed.write(0, other);
            failing.clear();
            mirror.resync(1);
            awaitInStep(mirror);
            assertThat(mirror.states()).containsOnly(LegState.IN_STEP);
            assertThat(second.disk.mismatch(first.disk)).isEqualTo(-1);
        }
    }

    @Test
    void aMirrorThatIsClosedBeforeItsLegsAreInStepIsSyncedTheNextTime() throws IOException {
        LastingDisk first = disk("one");
        LastingDisk second = disk("two");
        try (MirrorLog killed = log()) {
            killed.setOpen(true);
        }
        first.disk.fill((byte) 1);
        new Mirror(List.of(first, second), log()).close();

        Mirror next = new Mirror(List.of(first, second), log());
        assertThat(next.states()).containsExactly(LegState.IN_STEP, LegState.SYNCING);
        try (TestBed _ = TestBed.of(next)) {
            awaitInStep(next);
        }
        assertThat(second.disk.mismatch(first.disk)).isEqualTo(-1);
        try (MirrorLog log = log()) {
            assertThat(log.wasOpen()).isFalse();
        }
    }

    @Test
    void aWriteThatOneLegRefusesMarksThatLeg() throws IOException {
        FaultInjector refusing =
                new FaultInjector(disk("one"), DiskFault.error(Errno.EINVAL).on(Operation.WRITE));
        Mirror mirror = new Mirror(List.of(refusing, disk("two")), log());
        byte[] data = random(8);
        try (TestBed bed = TestBed.of(mirror)) {
            bed.write(0, data);
            assertThat(mirror.states()).containsExactly(LegState.FAILED, LegState.IN_STEP);
            assertThat(bed.read(0, data.length)).isEqualTo(data);
        }
    }

    @Test
    void aDiscardThatALegNeverDoesIsRefusedAndChangesNoLeg() throws IOException {
        LastingDisk second = disk("two");
        second.disk.fill((byte) 1);
        FaultInjector refusing =
                new FaultInjector(
                        disk("one"), DiskFault.error(Errno.EOPNOTSUPP).on(Operation.DISCARD));
        Mirror mirror = new Mirror(List.of(refusing, second), log());
        try (TestBed bed = TestBed.of(mirror)) {
            assertThatThrownBy(() -> bed.discard(0, 4096)).isInstanceOf(LinuxException.class);
            assertThat(mirror.states()).containsOnly(LegState.IN_STEP);
        }
        assertThat(second.disk.get(ValueLayout.JAVA_BYTE, 0)).isEqualTo((byte) 1);
    }

    @Test
    void changesFailWhileTheLogCannotTellThatALegIsOld() throws IOException {
        FaultInjector failing =
                new FaultInjector(disk("one"), DiskFault.error(Errno.EIO).on(Operation.WRITE));
        MirrorLog log = log();
        Mirror mirror = new Mirror(List.of(failing, disk("two")), log);
        try (TestBed bed = TestBed.of(mirror)) {
            log.close();
            assertThatThrownBy(() -> bed.write(0, random(9))).isInstanceOf(LinuxException.class);
            assertThatThrownBy(() -> bed.write(0, random(9))).isInstanceOf(LinuxException.class);
            assertThatThrownBy(bed::flush).isInstanceOf(LinuxException.class);
            assertThat(bed.read(0, 4096)).hasSize(4096);
        }
    }

    @Test
    void aReadOnlyMirrorWritesToNoLeg() throws IOException {
        try (MirrorLog killed = log()) {
            killed.setOpen(true);
        }
        Target one = new ReadOnly(disk("one"));
        Mirror mirror = new Mirror(List.of(one, new ReadOnly(disk("two"))), log());
        try (TestBed bed = TestBed.of(mirror)) {
            assertThat(mirror.states()).containsOnly(LegState.IN_STEP);
            assertThat(bed.read(0, 4096)).isEqualTo(new byte[4096]);
        }
    }

    @Test
    void aMirrorThatDoesNotComeAboutDeletesTheLogThatItMadeAndNoOther() throws IOException {
        Path path = folder.resolve("log");
        assertThatThrownBy(() -> new Mirror(List.of(disk("one")), log()))
                .hasMessageContaining("at least 2");
        assertThat(path).doesNotExist();
        Files.createFile(path);
        assertThatThrownBy(() -> new Mirror(List.of(disk("one")), log()))
                .hasMessageContaining("at least 2");
        assertThat(path).exists();
        try (MirrorLog _ = log()) {
            assertThatThrownBy(this::log).hasMessageContaining("is served");
            assertThat(path).exists();
        }
    }

    @Test
    void aLogThatIsServedOrSaysWhatNoMirrorDoesIsRefusedByName() throws IOException {
        try (MirrorLog _ = log()) {
            assertThatThrownBy(this::log).hasMessageContaining("log of a mirror that is served");
        }
        for (String text :
                List.of(
                        "ublk4j mirror 1\n",
                        "ublk4j mirror 1\nfailed 1\n",
                        "ublk4j mirror 1\nopen\nclosed\n",
                        "ublk4j mirror 1\nopen\nfailed 0\n",
                        "\u00ff\u00fe")) {
            Path path = folder.resolve("odd");
            Files.writeString(path, text);
            assertThatThrownBy(() -> MirrorLog.inFile(path))
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining("odd");
            assertThat(Files.readString(path)).isEqualTo(text);
        }
        Target one = disk("one");
        assertThatThrownBy(() -> new Mirror(List.of(one, one), MirrorLog.inMemory()))
                .hasMessageContaining("one target is two legs");
    }
}
