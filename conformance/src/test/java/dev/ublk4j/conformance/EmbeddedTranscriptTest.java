package dev.ublk4j.conformance;

import dev.ublk4j.conformance.lane.EmbeddedLane;
import dev.ublk4j.conformance.rules.Transcript;
import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The embedded driver answers to random sequences what the kernel did. */
@Tag("embedded")
final class EmbeddedTranscriptTest {
    @ParameterizedTest
    @MethodSource("dev.ublk4j.conformance.Recording#seeds")
    void theEmbeddedDriverAnswersAsTheKernelDid(long seed) throws IOException {
        try (EmbeddedLane lane = EmbeddedLane.open()) {
            List<String> lines = Transcript.of(lane, seed, Recording.OPERATIONS);
            Recording.save("embedded", seed, lines);
            Recording.compare(seed, lines);
        }
    }
}
