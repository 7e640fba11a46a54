package dev.ublk4j.uring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Executor;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Which threads may use a ring. */
class RingOwnerTest {
    private static void on(Executor thread, ThrowingCallable action) {
        CompletableFuture.runAsync(
                        () -> {
                            try {
                                action.call();
                            } catch (RuntimeException | Error e) {
                                throw e;
                            } catch (Throwable e) {
                                throw new AssertionError(e);
                            }
                        },
                        thread)
                .join();
    }

    private static final Executor PLATFORM = task -> Thread.ofPlatform().start(task);
    private static final Executor VIRTUAL = task -> Thread.ofVirtual().start(task);

    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "ANY_THREAD")
    void aRingOfOneThreadRefusesOthers(RingKind kind) {
        try (Ring ring = Ring.open(kind.options())) {
            assertThatThrownBy(() -> on(PLATFORM, () -> ring.nop(1)))
                    .isInstanceOf(CompletionException.class)
                    .hasCauseInstanceOf(AssertionError.class);
            assertThatThrownBy(() -> on(PLATFORM, ring::close))
                    .isInstanceOf(CompletionException.class)
                    .hasCauseInstanceOf(AssertionError.class);
        }
    }

    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "ANY_THREAD")
    void aRingOfOneThreadNeedsAPlatformThread(RingKind kind) {
        RingOptions options = kind.options();

        assertThatThrownBy(() -> on(VIRTUAL, () -> Ring.open(options).close()))
                .isInstanceOf(CompletionException.class)
                .hasCauseInstanceOf(IllegalStateException.class);
    }

    @Test
    void aRingForAnyThreadGoesFromHandToHand() {
        try (Ring ring = Ring.open(RingKind.ANY_THREAD.options())) {
            on(PLATFORM, () -> ring.nop(1));
            on(VIRTUAL, () -> assertThat(ring.submitAndWait(1)).isEqualTo(1));
            assertThat(new Completions().await(ring, 1).result(1)).isZero();
        }
    }
}
