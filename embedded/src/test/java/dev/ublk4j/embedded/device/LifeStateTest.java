package dev.ublk4j.embedded.device;

import static org.assertj.core.api.Assertions.assertThat;

import dev.ublk4j.embedded.device.LifeState.Event;
import dev.ublk4j.uapi.DeviceState;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class LifeStateTest {
    @ParameterizedTest
    @CsvSource({
        "DEAD,     LIVE, ,     ,     ,         ",
        "LIVE,     ,     DEAD, ,     QUIESCED, FAIL_IO",
        "QUIESCED, ,     DEAD, LIVE, QUIESCED, ",
        "FAIL_IO,  ,     DEAD, LIVE, ,         FAIL_IO"
    })
    void anEventMovesAStateOnOrDoesNotHappenInIt(
            LifeState state,
            @Nullable LifeState start,
            @Nullable LifeState stop,
            @Nullable LifeState recover,
            @Nullable LifeState hold,
            @Nullable LifeState fail) {
        LifeState[] next = {start, stop, recover, hold, fail};
        for (Event event : Event.values()) {
            assertThat(state.after(event)).as(event.name()).isEqualTo(next[event.ordinal()]);
            assertThat(state.allows(event)).isEqualTo(next[event.ordinal()] != null);
        }
    }

    @Test
    void theNumbersAreTheKernels() {
        assertThat(LifeState.DEAD.number()).isEqualTo(DeviceState.UBLK_S_DEV_DEAD);
        assertThat(LifeState.FAIL_IO.number()).isEqualTo(DeviceState.UBLK_S_DEV_FAIL_IO);
    }
}
