package dev.ublk4j.exports;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class AdaptiveWaitTest {
    private static final long LONGEST = 800;
    private static final long LONG_SLEEP = 10 * LONGEST;

    private final AdaptiveWait wait = new AdaptiveWait(LONGEST);
    private long now = 1_000_000;

    /** {@return how long it is looked on before it sleeps} */
    private long untilSleep() {
        long since = now;
        while (!wait.sleeps(now)) {
            now++;
        }
        wait.asleep(now);
        return now - since;
    }

    private void sleepFor(long nanos) {
        now += nanos;
        wait.awake(now);
    }

    @Test
    void looksForTheLongestTimeAtFirst() {
        assertThat(untilSleep()).isEqualTo(LONGEST);
    }

    @Test
    void beginsAnewWithEveryThingToDo() {
        wait.sleeps(now);
        now += LONGEST - 1;
        wait.busy();
        assertThat(untilSleep()).isEqualTo(LONGEST);
    }

    @Test
    void looksForHalfAsLongAfterALongSleep() {
        untilSleep();
        sleepFor(LONG_SLEEP);
        assertThat(untilSleep()).isEqualTo(LONGEST / 2);
        sleepFor(LONG_SLEEP);
        assertThat(untilSleep()).isEqualTo(LONGEST / 4);
    }

    @Test
    void sleepsAtOnceWhereNothingEverComesSoon() {
        for (int sleeps = 0; sleeps < 64; sleeps++) {
            untilSleep();
            sleepFor(LONG_SLEEP);
        }
        assertThat(untilSleep()).isZero();
    }

    @Test
    void looksLongerAgainWhenSleepsAreShort() {
        for (int sleeps = 0; sleeps < 64; sleeps++) {
            untilSleep();
            sleepFor(LONG_SLEEP);
        }
        for (long expected = LONGEST / 8; expected <= LONGEST; expected *= 2) {
            untilSleep();
            sleepFor(LONGEST);
            assertThat(wait.isAsleep()).isFalse();
            assertThat(window()).isEqualTo(expected);
        }
        untilSleep();
        sleepFor(LONGEST);
        assertThat(window()).isEqualTo(LONGEST);
    }

    /** {@return how long it would be looked on now, without sleeping} */
    private long window() {
        long since = now;
        while (!wait.sleeps(now)) {
            now++;
        }
        wait.busy();
        return now - since;
    }

    @Test
    void staysAwakeForNoTimeIfItIsNotToLookAtAll() {
        AdaptiveWait never = new AdaptiveWait(0);
        assertThat(never.sleeps(now)).isTrue();
        never.asleep(now);
        never.awake(now + 1);
        assertThat(never.sleeps(now + 2)).isTrue();
    }
}
