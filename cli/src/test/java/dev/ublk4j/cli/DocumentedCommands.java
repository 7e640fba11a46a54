package dev.ublk4j.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import picocli.CommandLine;

/** What the pages, and the help of each command, tell people to type. */
final class DocumentedCommands {
    private static final Path ROOT = Path.of("..").toAbsolutePath().normalize();

    private static final Pattern FENCE = Pattern.compile("^\\s*```(.*)$");
    private static final Pattern COMMENT = Pattern.compile("\\s+#\\s.*$");
    private static final Pattern SPAN = Pattern.compile("(?<!`)`([^`]+)`(?!`)");

    private DocumentedCommands() {}

    /** {@return the folder of the repository} */
    static Path root() {
        return ROOT;
    }

    /** {@return the pages, by their names in the repository} */
    static List<Path> pages() throws IOException {
        List<Path> pages = new ArrayList<>();
        pages.add(Path.of("README.md"));
        try (Stream<Path> docs = Files.list(ROOT.resolve("docs"))) {
            docs.filter(page -> page.toString().endsWith(".md"))
                    .sorted()
                    .forEach(page -> pages.add(ROOT.relativize(page)));
        }
        pages.add(Path.of("vm", "README.md"));
        return pages;
    }

    /** {@return the commands of a page, in its order, each on a line of its own} */
    static List<String> ofPage(Path page) throws IOException {
        List<String> commands = new ArrayList<>();
        String language = null;
        StringBuilder command = new StringBuilder();
        for (String line : Files.readAllLines(ROOT.resolve(page))) {
            Matcher fence = FENCE.matcher(line);
            if (fence.matches()) {
                language = language == null ? checked(fence.group(1), page) : null;
            } else if ("sh".equals(language)) {
                command.append(COMMENT.matcher(line.strip()).replaceFirst(""));
                if (!command.isEmpty() && command.charAt(command.length() - 1) == '\\') {
                    command.setLength(command.length() - 1);
                } else if (!command.isEmpty()) {
                    commands.add(command.toString());
                    command.setLength(0);
                }
            }
        }
        return commands;
    }

    private static String checked(String language, Path page) {
        if (language.isBlank()) {
            throw new AssertionError(
                    page + " has a block without a language: sh for commands, text for output");
        }
        return language.strip();
    }

    /** {@return what a page has between single backticks} */
    static List<String> spansOfPage(Path page) throws IOException {
        List<String> spans = new ArrayList<>();
        boolean fenced = false;
        StringBuilder text = new StringBuilder();
        for (String line : Files.readAllLines(ROOT.resolve(page))) {
            if (FENCE.matcher(line).matches()) {
                fenced = !fenced;
            } else if (!fenced) {
                text.append(line).append('\n');
            }
        }
        Matcher span = SPAN.matcher(text);
        while (span.find()) {
            spans.add(span.group(1).replace('\n', ' '));
        }
        return spans;
    }

    /** {@return the examples of each command that has some, by the command} */
    static Map<String, List<String>> ofHelp() {
        Map<String, List<String>> examples = new LinkedHashMap<>();
        collect(Main.commandLine(), examples);
        return examples;
    }

    private static void collect(CommandLine command, Map<String, List<String>> examples) {
        List<String> found =
                Stream.of(command.getCommandSpec().usageMessage().footer())
                        .filter(line -> line.startsWith("  "))
                        .map(String::strip)
                        .toList();
        if (!found.isEmpty()) {
            examples.put(command.getCommandSpec().qualifiedName(), found);
        }
        command.getSubcommands().values().forEach(each -> collect(each, examples));
    }
}
