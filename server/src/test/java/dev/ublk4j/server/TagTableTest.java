package dev.ublk4j.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class TagTableTest {
    private final TagTable tags = new TagTable(4);

    @Test
    void aRequestIsAnsweredOnce() {
        long id = tags.deliver(2);

        assertThat(tags.isOut(id)).isTrue();
        assertThat(tags.answer(id)).isTrue();
        assertThat(tags.answer(id)).isFalse();
        assertThat(tags.isOut(id)).isFalse();
    }

    @Test
    void anIdOfAnEarlierRequestOfTheTagDoesNotAnswerALaterOne() {
        long first = tags.deliver(1);
        tags.answer(first);
        tags.fetch(1);
        long second = tags.deliver(1);

        assertThat(second).isNotEqualTo(first);
        assertThat(tags.answer(first)).isFalse();
        assertThat(tags.isOut(second)).isTrue();
    }

    @Test
    void anIdThatNoRequestEverHadAnswersNothing() {
        assertThat(tags.answer(RequestId.of(3, 17))).isFalse();
        assertThat(tags.answer(RequestId.of(4000, 0))).isFalse();
        assertThat(tags.isOut(RequestId.of(4000, 0))).isFalse();
    }

    @Test
    void tagsThatAreAddedAreNotTheDrivers() {
        for (int tag = 4; tag < 1000; tag++) {
            assertThat(tags.add()).isEqualTo(tag);
        }
        long id = tags.deliver(999);

        assertThat(tags.alive()).isEqualTo(4);
        assertThat(tags.out()).isEqualTo(1);
        assertThat(tags.carried()).isEmpty();
        assertThat(tags.answer(id)).isTrue();
    }

    @Test
    void aTagThatIsGoneIsNoLongerAlive() {
        tags.gone(0);

        assertThat(tags.alive()).isEqualTo(3);
        assertThat(tags.state(0)).isEqualTo(TagTable.State.GONE);
    }

    @Test
    void ofManyThreadsThatAnswerOneSucceeds() throws InterruptedException {
        for (int round = 0; round < 1000; round++) {
            long id = tags.deliver(0);
            AtomicInteger winners = new AtomicInteger();
            CountDownLatch go = new CountDownLatch(1);
            Thread[] threads = new Thread[3];
            for (int i = 0; i < threads.length; i++) {
                threads[i] =
                        Thread.startVirtualThread(() -> {
                            awaitQuietly(go);
                            if (tags.answer(id)) {
                                winners.incrementAndGet();
                            }
                        });
            }
            go.countDown();
            for (Thread thread : threads) {
                thread.join();
            }
            assertThat(winners).hasValue(1);
            tags.fetch(0);
        }
    }

    private static void awaitQuietly(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }
}
