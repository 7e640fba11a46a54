package dev.ublk4j.cli.serve;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PassedSocketsTest {
    private static final long PID = 4711;

    private static PassedSockets of(String count, String names) {
        return PassedSockets.of(
                Map.of("LISTEN_PID", "4711", "LISTEN_FDS", count, "LISTEN_FDNAMES", names), PID);
    }

    @Test
    void theyBeginAtDescriptorThreeAndHaveNames() {
        PassedSockets passed = of("3", "a:b");
        assertThat(passed.descriptors()).containsExactly(3, 4, 5);
        assertThat(passed.descriptor("b")).isEqualTo(4);
        assertThat(passed.descriptor("7")).isEqualTo(7);
    }

    @Test
    void thoseOfAnotherProcessAreNotTaken() {
        Map<String, String> environment = Map.of("LISTEN_PID", "1", "LISTEN_FDS", "1");
        assertThat(PassedSockets.of(environment, PID).descriptors()).isEmpty();
        assertThat(PassedSockets.of(Map.of(), PID).descriptors()).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"-1", "many", "", "100000"})
    void aCountThatMakesNoSenseIsRefused(String count) {
        assertThatThrownBy(() -> of(count, "")).isInstanceOf(IllegalArgumentException.class);
    }

    @ParameterizedTest
    @ValueSource(strings = {"c", "twice", "", "-3", "123456789012"})
    void aNameThatIsNoneOrSeveralIsRefused(String name) {
        assertThatThrownBy(() -> of("4", "a:b:twice:twice").descriptor(name))
                .isInstanceOf(IllegalArgumentException.class);
    }
}
