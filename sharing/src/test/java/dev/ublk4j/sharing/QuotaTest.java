package dev.ublk4j.sharing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.ublk4j.handover.HandoverException;
import dev.ublk4j.linux.Errno;
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
        assertThat(quota.tryEnter(1)).isTrue();
        assertThat(quota.tryEnter(1)).isTrue();
        assertThat(quota.tryEnter(1)).isFalse();
        assertThat(quota.tryEnter(2)).isTrue();
        assertThat(quota.tryEnter(3)).isFalse();

        quota.leave(1);

        assertThat(quota.tryEnter(3)).isTrue();
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
            assertThat(quota.tryEnter(client)).isTrue();
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
}
