package dev.ublk4j.uring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;

/** What is left of a ring that has been closed, or whose owner has ended. */
@ParameterizedClass
@EnumSource(RingKind.class)
class RingLifecycleTest {
    @Parameter RingKind kind = RingKind.DEFERRED;

    private Ring open() {
        return Ring.open(kind.options());
    }

    @Test
    void aClosedRingHasNothingAndDoesNothing() {
        Ring ring = open();
        ring.nop(1);
        ring.submit();
        ring.nop(2);
        ring.close();
        ring.close();

        assertThat(ring.free()).isZero();
        assertThat(ring.pendingSubmissions()).isZero();
        assertThat(ring.ready()).isZero();
        assertThat(ring.needsEnter()).isFalse();
        assertThat(ring.drain((userData, result, flags) -> {})).isZero();
        assertThat(ring.toString()).contains("closed");
    }

    @Test
    void aClosedRingRefusesWhatNeedsTheKernel() {
        Ring ring = open();
        int slots = 4;
        ring.close();

        ThrowingCallable[] calls = {
            () -> ring.nop(1),
            () -> ring.uringCommand(0, 0, 0),
            () -> ring.timeout(1, 1),
            () -> ring.reserve(1),
            ring::submit,
            () -> ring.submitAndWait(1),
            () -> ring.submitAndWait(1, 1),
            ring::fd,
            () -> ring.registerSparseBuffers(slots),
            () -> ring.registerSparseFiles(slots),
            () -> ring.updateBuffer(0, 0, 0),
            () -> ring.openBufferRing(0, 1, false),
            () -> ring.cancelAll(1),
        };
        for (ThrowingCallable call : calls) {
            assertThatThrownBy(call).isInstanceOf(IllegalStateException.class);
        }
    }

    @Test
    void aHandlerMayCloseTheRing() {
        Ring ring = open();
        ring.nop(1);
        ring.nop(2);
        ring.submit();

        assertThat(ring.drain((userData, result, flags) -> ring.close())).isEqualTo(1);
        assertThat(ring.ready()).isZero();
    }

    @Test
    void anotherThreadMayAskForTheStateAndCloseARingWhoseOwnerHasEnded() throws Exception {
        CompletableFuture<Ring> opened = new CompletableFuture<>();
        Thread owner =
                Thread.ofPlatform()
                        .start(() -> {
                            Ring ring = open();
                            ring.nop(0xabc);
                            opened.complete(ring);
                        });
        Ring ring = opened.get();
        owner.join();

        assertThat(ring.toString()).contains("NOP fd=-1 userData=0xabc");
        assertThatCode(ring::close).doesNotThrowAnyException();
    }

    /** The kernel remembers 16 for a thread: those that are closed have to be forgotten. */
    @Test
    void aThreadMayOpenManyRingsAtATimeAndOneAfterTheOther() {
        for (int round = 0; round < 3; round++) {
            List<Ring> rings = new ArrayList<>();
            for (int i = 0; i < 20; i++) {
                rings.add(open());
            }
            for (Ring ring : rings) {
                ring.nop(7);
                assertThat(ring.submitAndWait(1)).isEqualTo(1);
                assertThat(new Completions().await(ring, 1).result(7)).isZero();
            }
            rings.forEach(Ring::close);
        }
    }
}
