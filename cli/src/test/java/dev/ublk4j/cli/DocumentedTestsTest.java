package dev.ublk4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** What the pages name as proof is there. */
class DocumentedTestsTest {
    private static final Pattern TEST = Pattern.compile("`([A-Z][A-Za-z0-9]+(?:Test|Rules))`");

    private static Set<String> tests() throws IOException {
        Path sources = Path.of("src", "test", "java");
        Set<String> names = new TreeSet<>();
        try (Stream<Path> modules = Files.list(DocumentedCommands.root())) {
            for (Path module : modules.toList()) {
                if (Files.isDirectory(module.resolve(sources))) {
                    names.addAll(classes(module.resolve(sources)));
                }
            }
        }
        return names;
    }

    private static Set<String> classes(Path folder) throws IOException {
        try (Stream<Path> files = Files.walk(folder)) {
            return files.map(file -> file.getFileName().toString())
                    .filter(name -> name.endsWith(".java"))
                    .map(name -> name.substring(0, name.length() - ".java".length()))
                    .collect(Collectors.toSet());
        }
    }

    @Test
    void everyTestThatAPageNamesIsThere() throws IOException {
        Set<String> there = tests();
        for (Path page : DocumentedCommands.pages()) {
            Matcher named = TEST.matcher(Files.readString(DocumentedCommands.root().resolve(page)));
            while (named.find()) {
                assertThat(there).as("tests that %s names", page).contains(named.group(1));
            }
        }
    }
}
