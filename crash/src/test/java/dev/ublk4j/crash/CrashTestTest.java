package dev.ublk4j.crash;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.ublk4j.crash.junit.CrashTest;
import java.time.Duration;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeEach;

/** The annotation, used as users do. */
class CrashTestTest {
    private static CrashLab last;
    private CrashLab prepared;

    @BeforeEach
    void prepare(CrashLab lab) {
        prepared = lab;
    }

    @CrashTest
    void aTestHasTheLabOfItsPreparation(CrashLab lab) {
        assertThat(lab).isSameAs(prepared);
    }

    @CrashTest(size = 64 << 10, images = 7)
    void aTestGetsALabWithTheOptionsOfItsAnnotation(CrashLab lab) throws Exception {
        last = lab;
        lab.record(disk -> {
            assertThat(disk.size()).isEqualTo(64 << 10);
            disk.write(0, filled());
        });
        assertThat(lab.eachCrash(_ -> {}).images()).isEqualTo(7);
    }

    private static byte[] filled() {
        byte[] bytes = new byte[8192];
        Arrays.fill(bytes, (byte) 1);
        return bytes;
    }

    @CrashTest(cache = CrashTest.Cache.ORDERED, tearingAt = 4096)
    void aTestSaysWhatItsDiskPromises(CrashLab lab) throws Exception {
        Set<String> images = new HashSet<>();
        lab.record(disk -> disk.write(0, filled()));
        lab.eachCrash(disk -> images.add(disk.read(0, 512)[0] + " " + disk.read(4096, 512)[0]));
        assertThat(images).containsExactlyInAnyOrder("0 0", "1 0", "1 1");
    }

    @CrashTest(size = 8192, checkLimitMillis = 200)
    void aCheckThatHangsFailsWithWhatItWasGivenAndEnds(CrashLab lab) throws Exception {
        lab.record(disk -> {
            disk.write(0, filled());
            lab.mark("written");
        });
        AtomicReference<Thread> checking = new AtomicReference<>();
        assertThatThrownBy(() ->
                        lab.eachCrash(disk -> {
                            if (!disk.marks().isEmpty()) {
                                checking.set(Thread.currentThread());
                                new CountDownLatch(1).await();
                            }
                        }))
                .isInstanceOf(CrashFailure.class)
                .hasMessageContainingAll(
                        "the check did not end within 200 ms",
                        "1: write, 8192 bytes at 0: survived",
                        "-- mark: written",
                        "the image is ")
                .cause()
                .satisfies(hangs ->
                        assertThat(hangs.getStackTrace())
                                .anyMatch(where -> where.getMethodName().equals("await")));
        assertThat(checking.get().join(Duration.ofMinutes(1))).isTrue();
    }

    @CrashTest(size = 8192, timeLimitMillis = 1)
    void aSearchEndsWithItsTime(CrashLab lab) throws Exception {
        lab.record(disk -> disk.write(0, filled()));
        assertThat(lab.eachCrash(_ -> Thread.sleep(10)).isExhausted()).isFalse();
    }

    @AfterAll
    static void aLabIsClosedWithItsTest() {
        assertThatThrownBy(() -> last.record(disk -> disk.flush()))
                .isInstanceOf(IllegalStateException.class);
    }
}
