package dev.ublk4j.conformance;

import dev.ublk4j.conformance.lane.KernelLane;
import dev.ublk4j.conformance.rules.Transcript;
import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What the kernel answers to random sequences is what was recorded of it. */
@Tag("kernel")
final class KernelTranscriptTest {
    @ParameterizedTest
    @MethodSource("dev.ublk4j.conformance.Recording#seeds")
    void theKernelAnswersAsItDidWhenItWasRecorded(long seed) throws IOException {
        try (KernelLane lane = KernelLane.open()) {
            List<String> lines = Transcript.of(lane, seed, Recording.OPERATIONS);
            Recording.save("kernel", seed, lines);
            Recording.compare(seed, lines);
        }
    }
}
