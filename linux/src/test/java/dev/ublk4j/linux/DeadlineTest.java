package dev.ublk4j.linux;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.junit.jupiter.api.Test;

class DeadlineTest {
    private static final Duration PAUSE = Duration.ofNanos(1);

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition signal = lock.newCondition();
    private boolean there;

    @Test
    void oneWithoutTimeIsOverAndTheOthersAreNot() {
        assertThat(Deadline.in(Duration.ZERO).isOver()).isTrue();
        assertThat(Deadline.in(Duration.ofNanos(-1)).leftNanos()).isZero();
        assertThat(Deadline.in(Duration.ofHours(1)).isOver()).isFalse();
        assertThat(Deadline.in(Duration.ofHours(1)).left()).isPositive();
    }

    @Test
    void aTimeTooLongToCountIsNever() {
        for (Duration time : new Duration[] {Deadline.FOREVER, Duration.ofDays(200_000)}) {
            assertThat(Deadline.in(time).leftNanos()).isEqualTo(Long.MAX_VALUE);
            assertThat(Deadline.in(time)).hasToString("never");
        }
        assertThat(Deadline.never().left()).isEqualTo(Deadline.FOREVER);
    }

    @Test
    void aPollLooksUntilItIsSo() {
        AtomicInteger looks = new AtomicInteger();
        assertThat(Deadline.never().poll(PAUSE, () -> looks.incrementAndGet() == 5)).isTrue();
        assertThat(looks).hasValue(5);
    }

    @Test
    void aPollLooksOnceMoreWhenTheTimeIsUp() {
        AtomicInteger looks = new AtomicInteger();
        Deadline over = Deadline.in(Duration.ZERO);
        assertThat(over.poll(PAUSE, () -> looks.incrementAndGet() == 2)).isTrue();
        assertThat(over.poll(PAUSE, () -> false)).isFalse();
    }

    @Test
    void aSignalEndsAWait() throws InterruptedException {
        CountDownLatch waits = new CountDownLatch(1);
        Thread other =
                Thread.ofPlatform()
                        .start(() -> {
                            lock.lock();
                            try {
                                waits.countDown();
                                assertThat(Deadline.never().await(signal, () -> there)).isTrue();
                            } finally {
                                lock.unlock();
                            }
                        });
        waits.await();
        lock.lock();
        try {
            there = true;
            signal.signalAll();
        } finally {
            lock.unlock();
        }
        other.join();
    }

    @Test
    void aWaitEndsWithItsTime() {
        lock.lock();
        try {
            Deadline soon = Deadline.in(Duration.ofMillis(1));
            assertThat(soon.await(signal, () -> there)).isFalse();
            assertThat(soon.isOver()).isTrue();
        } finally {
            lock.unlock();
        }
    }

    @Test
    void anInterruptIsKeptForLater() {
        Thread.currentThread().interrupt();
        AtomicInteger looks = new AtomicInteger();
        assertThat(Deadline.never().poll(PAUSE, () -> looks.incrementAndGet() == 3)).isTrue();
        assertThat(Thread.interrupted()).isTrue();
    }
}
