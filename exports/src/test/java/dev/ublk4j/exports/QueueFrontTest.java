package dev.ublk4j.exports;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;

import dev.ublk4j.embedded.DiskRequest;
import dev.ublk4j.embedded.EmbeddedDriver;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.server.DeviceOptions;
import dev.ublk4j.targets.MemoryTarget;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.LongConsumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(value = 5, unit = TimeUnit.MINUTES)
class QueueFrontTest {
    private static final int BYTES = 4096;

    private final ExportedDevice<OneClient> exported =
            ExportedDevice.start(
                    EmbeddedDriver.create(),
                    new MemoryTarget(1 << 20),
                    DeviceOptions.defaults().withQueues(1),
                    true,
                    OneClient::new);
    private final OneClient front = exported.fronts().getFirst();

    @AfterEach
    void close() {
        exported.close();
    }

    /** The front of a client in the same process, which is there until it is told to go. */
    private static final class OneClient extends QueueFront {
        private final CompletableFuture<Integer> heard = new CompletableFuture<>();
        private boolean present = true;
        private boolean stays;
        private int looksOfTheEnd;

        OneClient(int number) {
            super(number, Duration.ofMillis(1));
        }

        /** Prepares I/O that ends at once. */
        void prepare() {
            ring().nop(userData(7));
        }

        @Override
        protected void completed(long value, int result, int flags) {
            heard.complete((int) value + result);
        }

        @Override
        protected boolean serve() {
            return false;
        }

        @Override
        protected boolean hasClients() {
            return present;
        }

        @Override
        protected void end() {
            present = stays;
        }

        @Override
        protected boolean hasEnded() {
            return !present || ++looksOfTheEnd > 3;
        }
    }

    private static final class Sent extends ClientRequest {
        private final QueueFront front;
        private final LongConsumer onAnswer;

        Sent(QueueFront front, LongConsumer onAnswer) {
            super(front);
            this.front = front;
            this.onAnswer = onAnswer;
        }

        void read(MemorySegment into, long position) {
            DiskRequest filled = request().read(position);
            filled.add(into);
            submit(filled);
        }

        @Override
        protected void answered(long result) {
            assertThat(front.isHere()).isTrue();
            onAnswer.accept(result);
        }
    }

    private <T> CompletableFuture<T> onQueue(Consumer<CompletableFuture<T>> work) {
        CompletableFuture<T> done = new CompletableFuture<>();
        assertThat(front.execute(() -> work.accept(done))).isTrue();
        return done;
    }

    @Test
    void whatOthersWantIsDoneOnTheQueuesThreadInTheirOrder() {
        StringBuilder order = new StringBuilder();
        assertThat(front.isHere()).isFalse();
        assertThat(front.execute(() -> order.append('a'))).isTrue();
        assertThat(front.execute(() -> order.append('b'))).isTrue();
        assertThat(this.<Boolean>onQueue(done -> done.complete(front.isHere())).join()).isTrue();
        assertThat(order).hasToString("ab");
    }

    @Test
    void aTaskThatFailsKeepsNoneFromBeingDone() {
        assertThat(
                        front.execute(() -> {
                            throw new IllegalStateException("on purpose");
                        }))
                .isTrue();
        assertThat(this.<String>onQueue(done -> done.complete("still")).join()).isEqualTo("still");
    }

    @Test
    void aRequestGoesToTheDiskAndItsAnswerComesOnTheQueuesThread() {
        try (Arena arena = Arena.ofShared()) {
            MemorySegment memory = arena.allocate(BYTES, BYTES).fill((byte) 1);
            long result =
                    this.<Long>onQueue(done -> new Sent(front, done::complete).read(memory, 0))
                            .join();
            assertThat(result).isEqualTo(BYTES);
            assertThat(memory.get(JAVA_BYTE, 0)).isZero();
        }
    }

    @Test
    void whatIsWrongWithARequestIsItsAnswer() {
        try (Arena arena = Arena.ofShared()) {
            MemorySegment memory = arena.allocate(BYTES, BYTES);
            long result =
                    this.<Long>onQueue(
                                    done -> new Sent(front, done::complete).read(memory, 1 << 20))
                            .join();
            assertThat(result).isEqualTo(Errno.EIO.negated());
        }
    }

    @Test
    void ioOfTheFrontOnTheRingIsHeardOfByIt() {
        assertThat(front.execute(front::prepare)).isTrue();
        assertThat(front.heard.join()).isEqualTo(7);
    }

    @Test
    void aFrontWithoutClientsIsWokenByWork() {
        for (int count = 0; count < 100; count++) {
            boolean present =
                    this.<Boolean>onQueue(
                                    done -> {
                                        front.present = false;
                                        done.complete(front.present);
                                    })
                            .join();
            assertThat(present).isFalse();
        }
    }

    @Test
    void nothingIsDoneAfterTheEnd() {
        exported.close();
        assertThat(front.execute(() -> {})).isFalse();
        assertThat(front.present).isFalse();
    }

    @Test
    void theEndIsAwaitedForAsLongAsSomethingIsServed() {
        boolean stays =
                this.<Boolean>onQueue(
                                done -> {
                                    front.stays = true;
                                    done.complete(true);
                                })
                        .join();
        assertThat(stays).isTrue();
        exported.close();
        assertThat(front.looksOfTheEnd).isGreaterThan(3);
    }
}
