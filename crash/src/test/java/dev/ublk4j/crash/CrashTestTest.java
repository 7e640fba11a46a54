package dev.ublk4j.crash;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.ublk4j.crash.junit.CrashTest;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Set;
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

    @AfterAll
    static void aLabIsClosedWithItsTest() {
        assertThatThrownBy(() -> last.record(disk -> disk.flush()))
                .isInstanceOf(IllegalStateException.class);
    }
}
