package dev.ublk4j.conformance.published;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledIfSystemProperty;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The public API is written down, so that a change of it is seen by who reviews it. */
final class PublicApiTest {
    private static final String WRITE_PROPERTY = "ublk4j.api.write";
    private static final boolean WRITE = Boolean.getBoolean(WRITE_PROPERTY);
    private static final Path FOLDER = PublishedModules.root().resolve("docs/api");

    static List<String> modules() {
        return PublishedModules.withClasses();
    }

    private static Path file(String module) {
        return FOLDER.resolve(module + ".txt");
    }

    @ParameterizedTest
    @MethodSource("modules")
    void theApiOfAModuleIsTheOneThatIsWrittenDown(String module) throws IOException {
        Path classes = PublishedModules.root().resolve(module).resolve("target/classes");
        List<String> now = ApiListing.of(classes).lines();
        Path file = file(module);
        if (WRITE) {
            Files.createDirectories(FOLDER);
            Files.write(file, now);
            return;
        }
        List<String> then = Files.exists(file) ? Files.readAllLines(file) : List.of();
        assertThat(difference(then, now))
                .as(
                        "changes of what docs/api/%s.txt says; if they are meant: scripts/public-api",
                        module)
                .isEmpty();
        assertThat(now).isEqualTo(then);
    }

    @Test
    @DisabledIfSystemProperty(named = WRITE_PROPERTY, matches = "true")
    void noApiIsWrittenDownOfAModuleThatIsNot() throws IOException {
        try (Stream<Path> files = Files.list(FOLDER)) {
            assertThat(files)
                    .allMatch(found ->
                            modules().stream().map(PublicApiTest::file).anyMatch(found::equals));
        }
    }

    @Test
    void aChangeIsToldWithTheTypeThatItIsIn() {
        List<String> then =
                List.of(
                        "package a",
                        "",
                        "class B",
                        "    int c()",
                        "    int d()",
                        "class E",
                        "    int c()");
        List<String> now =
                List.of(
                        "package a",
                        "",
                        "class B",
                        "    int d()",
                        "    long e()",
                        "class E",
                        "    int c()");
        assertThat(difference(then, now))
                .containsExactly("- class B: int c()", "+ class B: long e()");
    }

    private static List<String> difference(List<String> then, List<String> now) {
        Set<String> before = located(then);
        Set<String> after = located(now);
        List<String> changes = new ArrayList<>();
        before.stream()
                .filter(line -> !after.contains(line))
                .map("- "::concat)
                .forEach(changes::add);
        after.stream()
                .filter(line -> !before.contains(line))
                .map("+ "::concat)
                .forEach(changes::add);
        return changes;
    }

    /** {@return lines, each after the line that it is under} */
    private static Set<String> located(List<String> lines) {
        Set<String> located = new LinkedHashSet<>();
        String head = "";
        for (String line : lines) {
            if (line.startsWith(" ")) {
                located.add(head + ": " + line.strip());
            } else {
                head = line;
                located.add(line);
            }
        }
        return located;
    }
}
