package dev.ublk4j.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import org.junit.jupiter.api.Test;

class RequestIdTest {
    @Test
    void userDataGivesBackWhatWasPutIn() {
        Random random = new Random(1);
        for (int i = 0; i < 10_000; i++) {
            int tag = random.nextInt(4096);
            long generation = random.nextLong() & (1L << 36) - 1;
            int step = random.nextInt(RequestId.MAX_STEP + 1);
            long id = RequestId.of(tag, generation);
            long userData = RequestId.backendUserData(id, step);

            assertThat(RequestId.kind(userData)).isEqualTo(RequestId.KIND_BACKEND);
            assertThat(RequestId.step(userData)).isEqualTo(step);
            assertThat(RequestId.id(userData)).isEqualTo(id);
            assertThat(RequestId.tag(id)).isEqualTo(tag);
            assertThat(RequestId.generation(id)).isEqualTo(generation);
        }
    }

    @Test
    void generationsBeginAgainAfterTheLast() {
        long last = (1L << 36) - 1;

        assertThat(RequestId.nextGeneration(last)).isZero();
    }

    @Test
    void noUserDataIsTheWakeUpOfTheRing() {
        long largest = RequestId.backendUserData(RequestId.of(0xffff, -1), RequestId.MAX_STEP);

        assertThat(largest).isPositive();
        assertThat(RequestId.commandUserData(4095)).isNotNegative();
    }
}
