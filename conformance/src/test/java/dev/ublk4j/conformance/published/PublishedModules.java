package dev.ublk4j.conformance.published;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The modules of the build, as their POMs say. */
final class PublishedModules {
    private static final Pattern MODULE = Pattern.compile("<module>([^<]+)</module>");
    private static final Pattern SKIPPED =
            Pattern.compile("<maven\\.deploy\\.skip>\\s*true\\s*</maven\\.deploy\\.skip>");

    private PublishedModules() {}

    /** {@return the folder of the whole build} */
    static Path root() {
        try {
            return Path.of("..").toRealPath();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** {@return the modules with classes that are deployed, bottom first} */
    static List<String> withClasses() {
        return matches(MODULE, pom(root())).stream()
                .filter(module -> !SKIPPED.matcher(pom(root().resolve(module))).find())
                .filter(module ->
                        Files.isDirectory(root().resolve(module).resolve("src/main/java")))
                .toList();
    }

    /** {@return the POM of a folder, as text} */
    static String pom(Path folder) {
        return text(folder.resolve("pom.xml"));
    }

    static String text(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** {@return what the first group of a pattern matches, each time} */
    static List<String> matches(Pattern pattern, String text) {
        Matcher matcher = pattern.matcher(text);
        return matcher.results().map(result -> result.group(1)).toList();
    }
}
