package dev.ublk4j.crash;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.ublk4j.layers.DiskFault;
import dev.ublk4j.layers.FaultInjector;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.server.Operation;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class CrashLabTest {
    private static final int BLOCK = 4096;

    private static CrashReport explore(TinyStore.Bug bug, CrashOptions options) throws Exception {
        try (CrashLab lab = CrashLab.create(options)) {
            lab.record(disk -> {
                TinyStore store = new TinyStore(disk, bug);
                for (long i = 1; i <= 3; i++) {
                    store.put(i * 100);
                    lab.mark(i * 100);
                }
            });
            return lab.eachCrash(disk -> {
                long promised = (long) disk.lastMark().orElse(0L);
                long found = new TinyStore(disk, bug).value();
                assertThat(found).isBetween(promised, promised + 100);
            });
        }
    }

    @Test
    void aStoreThatIsRightPasses() throws Exception {
        CrashReport report = explore(TinyStore.Bug.NONE, CrashOptions.defaults());
        assertThat(report.images()).isGreaterThan(100);
    }

    @Test
    void aStoreThatIsRightLosesWhatAFlushThatLiesHasPromised() throws Exception {
        try (CrashLab lab = CrashLab.create()) {
            lab.record(disk -> {
                TinyStore store = new TinyStore(disk, TinyStore.Bug.NONE);
                store.put(100);
                lab.mark(100L);
                FaultInjector.Injected lie =
                        lab.faults().inject(DiskFault.lost().on(Operation.FLUSH));
                store.put(200);
                lab.mark(200L);
                assertThat(lie.struck()).isEqualTo(2);
            });
            assertThatThrownBy(() ->
                            lab.eachCrash(disk ->
                                    assertThat(new TinyStore(disk, TinyStore.Bug.NONE).value())
                                            .isGreaterThanOrEqualTo(
                                                    (long) disk.lastMark().orElse(0L))))
                    .isInstanceOf(CrashFailure.class)
                    .hasMessageContaining("LOST");
        }
    }

    @ParameterizedTest
    @EnumSource(names = "NONE", mode = EnumSource.Mode.EXCLUDE)
    void aPlantedBugIsFoundAtTheFirstSeed(TinyStore.Bug bug) {
        CrashFailure failure =
                catchThrowableOfType(
                        CrashFailure.class, () -> explore(bug, CrashOptions.defaults()));
        assertThat(failure).as("a failure for %s", bug).isNotNull();
        assertThat(failure.image()).hasValueSatisfying(Files::isRegularFile);
    }

    @Test
    void aFailureIsToldWithTheFewestLosses() {
        assertThatThrownBy(() -> explore(TinyStore.Bug.WRONG_ORDER, CrashOptions.defaults()))
                .isInstanceOf(CrashFailure.class)
                .hasMessageContaining("1: write, 4096 bytes at 69632: LOST")
                .hasMessageContaining("2: write, 4096 bytes at 4096: survived")
                .hasMessageContaining("power cut");
    }

    @Test
    void theSameSeedFindsTheSame() throws Exception {
        List<String> stories = new ArrayList<>();
        for (int i = 0; i < 2; i++) {
            CrashFailure failure =
                    catchThrowableOfType(
                            CrashFailure.class,
                            () -> explore(TinyStore.Bug.NO_CHECKSUM, CrashOptions.defaults()));
            stories.add(failure.getMessage().replaceAll("the image is .*", ""));
        }
        assertThat(stories.get(0)).isEqualTo(stories.get(1));
    }

    @Test
    void aDiskWithoutACacheLosesNothingThatHasCompleted() throws Exception {
        CrashOptions options = CrashOptions.defaults().with(DiskModel.noCache());
        assertThat(explore(TinyStore.Bug.NO_FLUSH, options).images()).isPositive();
        assertThat(explore(TinyStore.Bug.WRONG_ORDER, options).images()).isPositive();
    }

    @Test
    void anOrderedCacheKeepsOrder() throws Exception {
        CrashOptions options = CrashOptions.defaults().with(DiskModel.orderedCache());
        assertThat(explore(TinyStore.Bug.WRONG_ORDER, options).images()).isPositive();
        assertThatThrownBy(() -> explore(TinyStore.Bug.NO_FLUSH, options))
                .isInstanceOf(CrashFailure.class);
    }

    /** The images of two blocks that are written without a flush, as pairs of their first bytes. */
    private static Set<String> imagesOfTwoWrites(DiskModel model, boolean through)
            throws Exception {
        Set<String> found = new HashSet<>();
        CrashLab.explore(
                CrashOptions.defaults().with(model.untorn()),
                disk -> {
                    if (through) {
                        disk.writeThrough(0, filled(1, BLOCK));
                    } else {
                        disk.write(0, filled(1, BLOCK));
                    }
                    disk.write(BLOCK, filled(2, BLOCK));
                },
                disk ->
                        found.add(
                                disk.read(0, BLOCK)[BLOCK - 1]
                                        + " "
                                        + disk.read(BLOCK, BLOCK)[BLOCK - 1]));
        return found;
    }

    private static byte[] filled(int value, int length) {
        byte[] bytes = new byte[length];
        Arrays.fill(bytes, (byte) value);
        return bytes;
    }

    @Test
    void ofWritesThatWereNotFlushedAnySubsetSurvives() throws Exception {
        assertThat(imagesOfTwoWrites(DiskModel.volatileCache(), false))
                .containsExactlyInAnyOrder("0 0", "1 0", "0 2", "1 2");
    }

    @Test
    void aWriteThroughIsThereWhenTheNextIsSent() throws Exception {
        assertThat(imagesOfTwoWrites(DiskModel.volatileCache(), true))
                .containsExactlyInAnyOrder("0 0", "1 0", "1 2");
    }

    @Test
    void anOrderedCacheLosesTheLastFirst() throws Exception {
        assertThat(imagesOfTwoWrites(DiskModel.orderedCache(), false))
                .containsExactlyInAnyOrder("0 0", "1 0", "1 2");
    }

    @Test
    void aDiskTearsAtItsAtomicUnit() throws Exception {
        Set<String> torn = new HashSet<>();
        CrashLab.explore(
                CrashOptions.defaults().with(DiskModel.volatileCache().tearingAt(BLOCK)),
                disk -> disk.write(BLOCK, filled(7, 3 * BLOCK)),
                disk -> {
                    StringBuilder image = new StringBuilder();
                    byte[] all = disk.read(BLOCK, 3 * BLOCK);
                    for (int block = 0; block < 3; block++) {
                        byte[] part = Arrays.copyOfRange(all, block * BLOCK, (block + 1) * BLOCK);
                        assertThat(part)
                                .satisfiesAnyOf(
                                        bytes -> assertThat(bytes).isEqualTo(filled(0, BLOCK)),
                                        bytes -> assertThat(bytes).isEqualTo(filled(7, BLOCK)));
                        image.append(part[0]);
                    }
                    torn.add(image.toString());
                });
        assertThat(torn)
                .containsExactlyInAnyOrder("000", "700", "070", "007", "770", "077", "707", "777");
    }

    @Test
    void aDiscardedRangeReadsEitherWayEvenAfterAFlush() throws Exception {
        Set<Integer> found = new HashSet<>();
        CrashLab.explore(
                CrashOptions.defaults(),
                disk -> {
                    disk.write(0, filled(5, BLOCK));
                    disk.flush();
                    disk.discard(0, BLOCK);
                    disk.flush();
                    disk.write(BLOCK, filled(9, BLOCK));
                    disk.flush();
                },
                disk -> {
                    if (disk.read(BLOCK, BLOCK)[0] == 9) {
                        found.add((int) disk.read(0, BLOCK)[0]);
                    }
                });
        assertThat(found).contains(0, 5);
    }

    @Test
    void whatWasPreparedIsThere() throws Exception {
        try (CrashLab lab = CrashLab.create()) {
            lab.prepare(disk -> disk.write(0, filled(3, BLOCK)));
            lab.record(disk -> disk.write(BLOCK, filled(4, BLOCK)));
            CrashReport report =
                    lab.eachCrash(
                            disk -> assertThat(disk.read(0, BLOCK)).isEqualTo(filled(3, BLOCK)));
            assertThat(report.images()).isGreaterThan(2);
            assertThatThrownBy(() -> lab.prepare(_ -> {}))
                    .isInstanceOf(IllegalStateException.class);
        }
    }

    @Test
    void whatACheckWritesIsNotInTheNextImage() throws Exception {
        AtomicInteger checks = new AtomicInteger();
        CrashLab.explore(
                CrashOptions.defaults(),
                disk -> disk.write(0, filled(1, BLOCK)),
                disk -> {
                    checks.incrementAndGet();
                    assertThat(disk.read(2 * BLOCK, 512)).isEqualTo(filled(0, 512));
                    disk.write(2 * BLOCK, filled(8, 512));
                    disk.writeZeroes(0, BLOCK);
                    disk.flush();
                    assertThat(disk.read(2 * BLOCK, 512)).isEqualTo(filled(8, 512));
                    assertThat(disk.read(0, BLOCK)).isEqualTo(filled(0, BLOCK));
                });
        assertThat(checks.get()).isGreaterThan(2);
    }

    @Test
    void aCheckThatHangsFailsAndSaysWhere() {
        CrashOptions options = CrashOptions.defaults().withCheckLimit(Duration.ofMillis(200));
        assertThatThrownBy(() ->
                        CrashLab.explore(
                                options,
                                disk -> disk.write(0, filled(1, BLOCK)),
                                _ -> Thread.sleep(Duration.ofHours(1))))
                .isInstanceOf(CrashFailure.class)
                .hasMessageContaining("did not end within 200 ms")
                .cause()
                .hasStackTraceContaining("sleep");
    }

    @Test
    void aRequestThatIsNoWholeBlockIsRefused() throws Exception {
        CrashLab.explore(
                CrashOptions.defaults(),
                disk ->
                        assertThatThrownBy(() -> disk.write(100, filled(1, 512)))
                                .isInstanceOf(LinuxException.class),
                disk -> {
                    assertThatThrownBy(() -> disk.read(0, 100))
                            .isInstanceOf(LinuxException.class)
                            .hasMessageContaining("EINVAL");
                    assertThatThrownBy(() -> disk.write(disk.size(), filled(1, 512)))
                            .isInstanceOf(LinuxException.class);
                });
    }

    @Test
    void aCheckWithoutARecordingIsRefused() {
        try (CrashLab lab = CrashLab.create()) {
            assertThatThrownBy(() -> lab.eachCrash(_ -> {}))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("nothing has been recorded");
        }
    }

    @Test
    void theSearchEndsAtItsNumberOfImages() throws Exception {
        CrashReport report = explore(TinyStore.Bug.NONE, CrashOptions.defaults().withImages(10));
        assertThat(report.images()).isEqualTo(10);
        assertThat(report.isExhausted()).isFalse();
    }

    @Test
    void writesOfSeveralThreadsMayAllBeUnderWay() throws Exception {
        AtomicInteger both = new AtomicInteger();
        CrashLab.explore(
                CrashOptions.defaults(),
                disk -> {
                    List<Thread> threads = new ArrayList<>();
                    for (int i = 0; i < 4; i++) {
                        int place = i;
                        threads.add(
                                Thread.ofPlatform()
                                        .start(() ->
                                                disk.write(
                                                        (long) place * BLOCK,
                                                        filled(place + 1, BLOCK))));
                    }
                    for (Thread each : threads) {
                        each.join();
                    }
                    disk.flush();
                    disk.write(8 * BLOCK, filled(9, 512));
                },
                disk -> {
                    if (disk.read(8 * BLOCK, 512)[0] == 9) {
                        for (int i = 0; i < 4; i++) {
                            assertThat(disk.read((long) i * BLOCK, 512)[0])
                                    .isEqualTo((byte) (i + 1));
                        }
                        both.incrementAndGet();
                    }
                });
        assertThat(both.get()).isPositive();
    }

    @Test
    void anImageCanBeServedFromTheFileItWasSavedTo() throws Exception {
        CrashFailure failure =
                catchThrowableOfType(
                        CrashFailure.class,
                        () -> explore(TinyStore.Bug.WRONG_ORDER, CrashOptions.defaults()));
        Path file = failure.image().orElseThrow();
        byte[] image = Files.readAllBytes(file);
        assertThat(image).hasSize(1 << 20);
        // Slot 1 is there, and the data of put 1 is not.
        assertThat(image[BLOCK + 7]).isEqualTo((byte) 1);
        assertThat(Arrays.copyOfRange(image, 69632, 69632 + BLOCK)).isEqualTo(filled(0, BLOCK));
    }

    @Test
    void anImageThatCannotBeSavedIsMissedAndTheReasonIsNamed(@TempDir Path folder)
            throws IOException {
        Path file = Files.createFile(folder.resolve("a file"));
        System.setProperty("ublk4j.crash.images", file.resolve("images").toString());
        CrashFailure failure;
        try {
            failure =
                    catchThrowableOfType(
                            CrashFailure.class,
                            () -> explore(TinyStore.Bug.WRONG_ORDER, CrashOptions.defaults()));
        } finally {
            System.clearProperty("ublk4j.crash.images");
        }
        assertThat(failure.image()).isEmpty();
        assertThat(failure)
                .hasMessageContaining("power cut")
                .hasMessageContaining("the image could not be saved in ")
                .hasMessageContaining(file.toString());
        assertThat(failure.getSuppressed()).singleElement().isInstanceOf(IOException.class);
    }
}
