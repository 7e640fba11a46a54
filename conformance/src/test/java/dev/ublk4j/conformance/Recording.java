package dev.ublk4j.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.InputStream;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.LongStream;

/**
 * What the kernel answered to the sequences of some seeds, kept in {@code
 * src/test/resources/transcripts}.
 *
 * <p>Every run leaves its own answers in {@code target/transcripts}. To record anew, copy those of
 * the kernel.
 */
final class Recording {
    static final int OPERATIONS = 200;
    private static final int SEEDS = 8;

    private Recording() {}

    static LongStream seeds() {
        return LongStream.range(0, SEEDS);
    }

    static void save(String lane, long seed, List<String> lines) throws IOException {
        Path folder = Files.createDirectories(target().resolve("transcripts"));
        Files.write(folder.resolve("%s-%d.txt".formatted(lane, seed)), lines);
    }

    private static Path target() throws IOException {
        try {
            Path classes =
                    Path.of(
                            Recording.class
                                    .getProtectionDomain()
                                    .getCodeSource()
                                    .getLocation()
                                    .toURI());
            return classes.resolveSibling("");
        } catch (URISyntaxException e) {
            throw new IOException(e);
        }
    }

    /** Fails at the first line that differs, and shows the whole sequence up to it. */
    static void compare(long seed, List<String> lines) throws IOException {
        String name = "/transcripts/kernel-%d.txt".formatted(seed);
        List<String> recorded;
        try (InputStream file = Recording.class.getResourceAsStream(name)) {
            assumeTrue(file != null, "nothing has been recorded for this seed");
            recorded = new String(file.readAllBytes(), StandardCharsets.UTF_8).lines().toList();
        }
        for (int i = 0; i < recorded.size(); i++) {
            if (!recorded.get(i).equals(lines.get(i))) {
                assertThat(lines.get(i))
                        .as("seed %d, after%n%s", seed, String.join("\n", lines.subList(0, i)))
                        .isEqualTo(recorded.get(i));
            }
        }
        assertThat(lines).hasSameSizeAs(recorded);
    }
}
