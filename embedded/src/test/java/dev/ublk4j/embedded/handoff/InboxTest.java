package dev.ublk4j.embedded.handoff;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class InboxTest {
    private static final class Item extends Link {
        final int number;

        Item(int number) {
            this.number = number;
        }
    }

    private static List<Integer> numbers(@Nullable Item first) {
        List<Integer> numbers = new ArrayList<>();
        for (Item item = first; item != null; item = Inbox.after(item)) {
            numbers.add(item.number);
        }
        return numbers;
    }

    @Test
    void givesInTheOrderOfArrival() {
        Inbox<Item> inbox = new Inbox<>();
        assertThat(inbox.isEmpty()).isTrue();
        assertThat(inbox.takeAll()).isNull();
        for (int i = 0; i < 5; i++) {
            assertThat(inbox.push(new Item(i))).isTrue();
        }
        assertThat(numbers(inbox.takeAll())).containsExactly(0, 1, 2, 3, 4);
        assertThat(inbox.isEmpty()).isTrue();
    }

    @Test
    void refusesAfterTheEnd() {
        Inbox<Item> inbox = new Inbox<>();
        inbox.push(new Item(1));
        inbox.push(new Item(2));
        assertThat(numbers(inbox.close())).containsExactly(1, 2);
        assertThat(inbox.push(new Item(3))).isFalse();
        assertThat(inbox.isEmpty()).isTrue();
        assertThat(inbox.close()).isNull();
        assertThat(inbox.takeAll()).isNull();
    }

    @Test
    void losesNothingBetweenManyThreadsAndTheEnd() throws InterruptedException {
        Inbox<Item> inbox = new Inbox<>();
        AtomicInteger accepted = new AtomicInteger();
        List<Thread> threads = new ArrayList<>();
        for (int t = 0; t < 4; t++) {
            threads.add(
                    Thread.ofPlatform()
                            .start(() -> {
                                while (inbox.push(new Item(0))) {
                                    accepted.incrementAndGet();
                                }
                            }));
        }
        int taken = 0;
        while (taken < 10_000) {
            taken += numbers(inbox.takeAll()).size();
        }
        taken += numbers(inbox.close()).size();
        for (Thread thread : threads) {
            thread.join();
        }
        assertThat(taken).isEqualTo(accepted.get());
    }
}
