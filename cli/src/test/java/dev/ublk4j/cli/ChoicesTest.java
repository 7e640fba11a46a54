package dev.ublk4j.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;
import picocli.CommandLine.Model.OptionSpec;

@DisplayName("Options with a few words to choose from")
class ChoicesTest {
    private record Place(String command, OptionSpec option) {
        List<String> words() {
            List<String> words = new ArrayList<>();
            option.completionCandidates().forEach(words::add);
            return words;
        }

        Object read(String text) throws Exception {
            return option.converters()[0].convert(text);
        }

        @Override
        public String toString() {
            return command + " " + option.longestName();
        }
    }

    static List<Place> choices() {
        List<Place> found = new ArrayList<>();
        collect(Main.commandLine(), found);
        return found;
    }

    private static void collect(CommandLine command, List<Place> found) {
        for (OptionSpec option : command.getCommandSpec().options()) {
            if (option.type().isEnum() || option.completionCandidates() != null) {
                found.add(new Place(command.getCommandSpec().qualifiedName(), option));
            }
        }
        command.getSubcommands().values().forEach(each -> collect(each, found));
    }

    @Test
    void areThere() {
        assertThat(choices().stream().map(choice -> choice.option().longestName()).distinct())
                .contains("--tls", "--driver", "--recovery");
    }

    @ParameterizedTest
    @MethodSource("choices")
    void areReadInAnyCase(Place choice) throws Exception {
        for (String word : choice.words()) {
            Object value = choice.read(word);
            assertThat(choice.read(word.toUpperCase(Locale.ROOT))).isEqualTo(value);
            assertThat(
                            choice.read(
                                    word.substring(0, 1).toUpperCase(Locale.ROOT)
                                            + word.substring(1)))
                    .isEqualTo(value);
        }
    }

    @ParameterizedTest
    @MethodSource("choices")
    void areShownInLowerCase(Place choice) {
        assertThat(choice.words()).isNotEmpty().allMatch(Choices::isLower);
        assertThatThrownBy(() -> choice.read("frob"))
                .hasMessageContaining(String.join(", ", choice.words()));
        assertThat(Stream.ofNullable(choice.option().defaultValue())).allMatch(Choices::isLower);
    }

    private static final class Choices {
        static boolean isLower(String word) {
            return word.equals(word.toLowerCase(Locale.ROOT));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"export nbd", "demo", "demo pagecache"})
    void areInLowerCaseInHelpToo(String line) {
        String[] words = (line + " --help").split(" ", -1);

        assertThat(Run.of(words).out().replaceAll("\\s+", " "))
                .containsPattern("(off|auto), \\w+, \\w+; default: (off|auto)");
        assertThat(Run.of("help", "--man").out()).contains("auto, kernel, embedded; default: auto");
    }

    @ParameterizedTest
    @CsvSource({"TRUE, true", "False, false", "true, true"})
    void includeTheTruthOfATargetsArgument(String text, boolean value) {
        assertThat(TargetArgument.parse(text, boolean.class)).isEqualTo(value);
    }
}
