package dev.ublk4j.crash;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.ublk4j.linux.LinuxException;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.Arrays;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What authors of tests get wrong, and what they are told. */
@DisplayName("A crash test")
class CrashMistakesTest {
    private static final int BLOCK = 4096;
    private static final CrashOptions OPTIONS = CrashOptions.defaults().withSize(64 << 10);

    private static byte[] filled(int value, int length) {
        byte[] bytes = new byte[length];
        Arrays.fill(bytes, (byte) value);
        return bytes;
    }

    private static void writeBlocks(LabDisk disk) {
        for (int i = 0; i < 6; i++) {
            disk.write((long) i * BLOCK, filled(i + 1, BLOCK));
        }
    }

    private static CrashFailure failureOf(CrashOptions options, CrashLab.Check check) {
        return Objects.requireNonNull(
                catchThrowableOfType(
                        CrashFailure.class,
                        () -> CrashLab.explore(options, CrashMistakesTest::writeBlocks, check)));
    }

    @Test
    void thatFailsByChanceIsToldSo() {
        AtomicInteger checks = new AtomicInteger();
        CrashFailure failure =
                failureOf(
                        OPTIONS,
                        _ -> {
                            if (checks.incrementAndGet() == 20) {
                                throw new IllegalStateException("once");
                            }
                        });
        assertThat(failure)
                .hasMessageContaining("once")
                .hasMessageContaining("did not fail again")
                .hasMessageContaining("found in image 20 of the recording ");
    }

    @Test
    void thatFailsEachTimeIsNotTakenForOneThatFailsByChance() {
        CrashFailure failure =
                failureOf(
                        OPTIONS,
                        _ -> {
                            throw new IllegalStateException("always");
                        });
        assertThat(failure.getMessage()).doesNotContain("again");
    }

    @Test
    void whoseWorkIsNotTheSameEachTimeIsToldApart() throws Exception {
        assertThat(recordingOf(1)).isEqualTo(recordingOf(1)).isNotEqualTo(recordingOf(2));
    }

    private static String recordingOf(int work) {
        CrashFailure failure =
                Objects.requireNonNull(
                        catchThrowableOfType(
                                CrashFailure.class,
                                () ->
                                        CrashLab.explore(
                                                OPTIONS,
                                                disk -> disk.write(0, filled(work, BLOCK)),
                                                _ -> {
                                                    throw new IllegalStateException("always");
                                                })));
        return failure.getMessage().replaceAll("(?s).*of the recording (\\w+),.*", "$1");
    }

    /** The thread of such a check is given up, and another is there for the next. */
    @Test
    void whoseCheckHangsForGoodOnSmallerLossesIsToldTheLargerOne() throws Exception {
        try (CrashLab lab = CrashLab.create(OPTIONS.withCheckLimit(Duration.ofMillis(200)))) {
            lab.record(disk -> {
                writeBlocks(disk);
                lab.mark("all are written");
            });
            assertThatThrownBy(() ->
                            lab.eachCrash(disk -> {
                                long there =
                                        IntStream.range(0, 6)
                                                .filter(i -> disk.read(i * BLOCK, 512)[0] != 0)
                                                .count();
                                if (!disk.marks().isEmpty() && there == 0) {
                                    throw new IllegalStateException("none is there");
                                }
                                if (!disk.marks().isEmpty() && there < 6) {
                                    sleepUninterruptibly();
                                }
                            }))
                    .isInstanceOf(CrashFailure.class)
                    .hasMessageContaining("none is there");
        }
    }

    private static void sleepUninterruptibly() {
        while (true) {
            try {
                Thread.sleep(Duration.ofHours(1));
            } catch (InterruptedException _) {
                // The test is about a check that does not listen.
            }
        }
    }

    @Test
    void whoseExceptionsAndMarksCannotBeToldIsToldNevertheless() throws Exception {
        Object untold =
                new Object() {
                    @Override
                    public String toString() {
                        throw new UnsupportedOperationException("no text");
                    }
                };
        try (CrashLab lab = CrashLab.create(OPTIONS)) {
            lab.record(disk -> {
                lab.mark(untold);
                lab.mark("a\nb\u001b[31m" + "x".repeat(100_000));
                disk.write(0, filled(1, BLOCK));
            });
            assertThatThrownBy(() ->
                            lab.eachCrash(disk -> {
                                if (disk.marks().size() == 2) {
                                    throw new IllegalStateException() {
                                        private static final long serialVersionUID = 1;

                                        @Override
                                        public String toString() {
                                            throw new UnsupportedOperationException("no text");
                                        }
                                    };
                                }
                            }))
                    .isInstanceOf(CrashFailure.class)
                    .hasMessageContaining("-- mark: a b?[31mxxx")
                    .satisfies(failure -> assertThat(failure.getMessage()).hasSizeLessThan(2000));
        }
    }

    @Test
    void whoseRecordingIsFullIsToldSo() {
        try (CrashLab lab = CrashLab.of(OPTIONS, new History(2 * BLOCK))) {
            assertThatThrownBy(() -> lab.record(CrashMistakesTest::writeBlocks))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("the recording is full: it holds 8192 bytes of data")
                    .hasCauseInstanceOf(LinuxException.class);
        }
    }

    /** A guest, for one, answers a failed write in its own way. */
    @Test
    void whoseRecordingIsFullIsToldSoWhereTheWorkGoesOn() {
        try (CrashLab lab = CrashLab.of(OPTIONS, new History(2 * BLOCK))) {
            assertThatThrownBy(() ->
                            lab.record(disk ->
                                    assertThatThrownBy(() -> writeBlocks(disk))
                                            .hasMessageContaining("ENOMEM")))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("the recording is full");
        }
    }

    @Test
    void thatUsesAClosedLabIsToldSo() throws Exception {
        CrashLab lab = CrashLab.create(OPTIONS);
        try (lab) {
            lab.record(CrashMistakesTest::writeBlocks);
        }
        assertThatThrownBy(() -> lab.eachCrash(_ -> {}))
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("the lab is closed");
        assertThatThrownBy(() -> lab.record(CrashMistakesTest::writeBlocks))
                .isInstanceOf(IllegalStateException.class);
    }

    @ParameterizedTest
    @ValueSource(longs = {0, -1})
    void withoutTimeIsRefused(long seconds) {
        Duration none = Duration.ofSeconds(seconds);
        assertThatThrownBy(() -> OPTIONS.withTimeLimit(none))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("limit");
        assertThatThrownBy(() -> OPTIONS.withCheckLimit(none))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("limit");
    }

    @Test
    void mayTakeForever() throws Exception {
        Duration forever = ChronoUnit.FOREVER.getDuration();
        CrashOptions endless = OPTIONS.withTimeLimit(forever).withCheckLimit(forever);
        assertThat(
                        CrashLab.explore(
                                        endless.withImages(3),
                                        CrashMistakesTest::writeBlocks,
                                        _ -> {})
                                .images())
                .isEqualTo(3);
    }

    /** A program finds the same limits on the disk that is recorded and on one that is left. */
    @Test
    void findsTheSameLimitsOnBothDisks() throws Exception {
        CrashLab.explore(
                OPTIONS.withImages(1), CrashMistakesTest::tryLimits, CrashMistakesTest::tryLimits);
    }

    private static void tryLimits(LabDisk disk) {
        disk.write(BLOCK, new byte[0]);
        disk.writeThrough(BLOCK, new byte[0]);
        disk.discard(BLOCK, 0);
        disk.writeZeroes(BLOCK, 0);
        assertThat(disk.read(BLOCK, 0)).isEmpty();
        assertThatThrownBy(() -> disk.read(BLOCK, -512)).hasMessageContaining("EINVAL");
        assertThatThrownBy(() -> disk.read(10, 512)).hasMessageContaining("blocks of 512");
        assertThatThrownBy(() -> disk.write(-512, new byte[512])).hasMessageContaining("EINVAL");
        assertThatThrownBy(() -> disk.discard(512, 100)).hasMessageContaining("EINVAL");
        assertThatThrownBy(() -> disk.read(disk.size(), 512)).hasMessageContaining("EINVAL");
        assertThatThrownBy(() -> disk.write(disk.size(), new byte[512]))
                .isInstanceOf(LinuxException.class)
                .hasMessageContaining("ENOSPC");
        assertThatThrownBy(() -> disk.writeZeroes(Long.MAX_VALUE - 511, 512))
                .hasMessageContaining("ENOSPC");
    }
}
