package dev.ublk4j.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import org.junit.jupiter.api.Test;

class RequestIdTest {
    @Test
    void userDataGivesBackWhatWasPutIn() {
        Random random = new Random(1);
        for (int i = 0; i < 10_000; i++) {
            int tag = random.nextInt(RequestId.MAX_TAGS);
            long generation = random.nextLong() & (1L << 36) - 1;
            long id = RequestId.of(tag, generation);
            long userData = RequestId.backendUserData(id);

            assertThat(RequestId.kind(userData)).isEqualTo(RequestId.KIND_BACKEND);
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
        long largest = RequestId.backendUserData(RequestId.of(RequestId.MAX_TAGS - 1, -1));

        assertThat(largest).isPositive();
        assertThat(RequestId.commandUserData(4095)).isNotNegative();
    }
}
