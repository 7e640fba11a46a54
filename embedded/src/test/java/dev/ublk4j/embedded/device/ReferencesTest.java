package dev.ublk4j.embedded.device;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class ReferencesTest {
    private final AtomicInteger freed = new AtomicInteger();
    private final References references = new References(freed::incrementAndGet);

    @Test
    void theLastToLetGoFreesOnce() {
        references.get();
        assertThat(references.tryGet()).isTrue();
        references.put();
        references.put();
        assertThat(freed).hasValue(0);
        references.put();
        assertThat(freed).hasValue(1);
    }

    @Test
    void nobodyGetsWhatIsFreed() {
        references.put();
        assertThat(references.tryGet()).isFalse();
        assertThat(freed).hasValue(1);
    }
}
