package dev.ublk4j.conformance.rules;

import static org.assertj.core.api.Assertions.assertThat;

import dev.ublk4j.conformance.lane.Lane;
import dev.ublk4j.demo.RegistrationSoak;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;

/**
 * Memory that comes and goes under load. {@code ./bench soak} does the same a hundred thousand
 * times; that every pin is released is checked after each rule.
 */
public abstract class SharingSoakRules extends LaneRules {
    private static final int CYCLES = 300;

    protected SharingSoakRules(Supplier<? extends Lane> lanes) {
        super(lanes);
    }

    @Test
    void memorySharedAndTakenBackAgainAndAgainUnderLoadLosesNoData() {
        RegistrationSoak.Outcome outcome = new RegistrationSoak(lane().driver(), CYCLES).run();
        assertThat(outcome.verified()).isPositive();
        assertThat(outcome.shared()).isPositive();
        assertThat(outcome.copied() + outcome.shared())
                .isGreaterThanOrEqualTo(2 * outcome.verified());
    }
}
