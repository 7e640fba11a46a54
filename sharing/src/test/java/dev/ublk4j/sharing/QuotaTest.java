package dev.ublk4j.sharing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.ublk4j.handover.HandoverException;
import dev.ublk4j.linux.Errno;
import java.time.Duration;
import org.junit.jupiter.api.Test;

class QuotaTest {
    private final Quota quota = new Quota(new Limits(3, 2, 4, 2, 100, 60));

    private void assertRefused(int client, long bytes) {
        assertThatThrownBy(() -> quota.take(client, bytes))
                .isInstanceOfSatisfying(
                        HandoverException.class, e -> assertThat(e.errno()).isEqualTo(Errno.EDQUOT))
                .hasMessageContaining("limits");
    }

    @Test
    void connectionsAreLimitedForAClientAndInAll() {
        assertThat(quota.tryEnter(1, true)).isTrue();
        assertThat(quota.tryEnter(1, true)).isTrue();
        assertThat(quota.tryEnter(1, true)).isFalse();
        assertThat(quota.tryEnter(2, true)).isTrue();
        assertThat(quota.tryEnter(3, true)).isFalse();

        quota.leave(1);

        assertThat(quota.tryEnter(3, true)).isTrue();
        assertThat(quota.connections()).isEqualTo(3);
    }

    @Test
    void bytesAreLimitedForAClientAndInAll() {
        quota.take(1, 60);
        assertRefused(1, 1);
        quota.take(2, 40);
        assertRefused(3, 1);
        assertThat(quota.bytes()).isEqualTo(100);

        quota.giveBack(1, 60);

        quota.take(3, 60);
        assertThat(quota.bytes()).isEqualTo(100);
    }

    @Test
    void buffersAreLimitedForAClientAndInAll() {
        quota.take(1, 1);
        quota.take(1, 1);
        assertRefused(1, 1);
        quota.take(2, 1);
        quota.take(2, 1);
        assertRefused(3, 1);

        quota.giveBack(2, 1);

        quota.take(3, 1);
    }

    @Test
    void noNumberOfBytesIsTooLargeToBeRefused() {
        quota.take(1, 1);
        assertRefused(1, Long.MAX_VALUE);
        assertRefused(2, Long.MAX_VALUE);
    }

    @Test
    void aClientThatHasNothingIsForgotten() {
        for (int client = 0; client < 1000; client++) {
            assertThat(quota.tryEnter(client, true)).isTrue();
            quota.take(client, 10);
            quota.leave(client);
            quota.giveBack(client, 10);
        }
        assertThat(quota.clients()).isZero();
        assertRefused(1001, 61);
        assertThat(quota.clients()).isZero();
    }

    @Test
    void aNegativeLimitIsRefused() {
        assertThatThrownBy(() -> Limits.defaults().withBytes(1, -1))
                .isInstanceOf(IllegalArgumentException.class);
        assertThat(Limits.defaults().bytes()).isPositive();
    }

    @Test
    void theLastConnectionsAreForThoseWhoAdminister() {
        Quota quota = new Quota(Limits.defaults().withConnections(32, 32));
        for (int client = 0; client < 30; client++) {
            assertThat(quota.tryEnter(client, false)).isTrue();
        }
        assertThat(quota.tryEnter(30, false)).isFalse();
        assertThat(quota.tryEnter(31, true)).isTrue();
        assertThat(quota.tryEnter(32, true)).isTrue();
        assertThat(quota.tryEnter(33, true)).isFalse();
    }

    @Test
    void aUserHasAllHisBuffersAtOnceAndThenInTurn() {
        Quota quota = new Quota(Limits.defaults().withBuffers(100, 10));
        long now = System.nanoTime();
        for (int buffer = 0; buffer < 10; buffer++) {
            assertThat(quota.turnOf(1000, now)).isZero();
        }
        Duration turn = Duration.ofSeconds(1).dividedBy(Limits.CHANGES_PER_SECOND);
        assertThat(quota.turnOf(1000, now)).isEqualTo(turn);
        assertThat(quota.turnOf(1000, now)).isEqualTo(turn.multipliedBy(2));
        assertThat(quota.turnOf(1001, now)).as("another user").isZero();
        assertThat(quota.turnOf(1000, now + Duration.ofSeconds(1).toNanos())).isZero();
    }
}
