package dev.ublk4j.cli;

import dev.ublk4j.cli.output.Explanation;
import java.util.List;
import java.util.stream.Collectors;
import picocli.CommandLine;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.UnmatchedArgumentException;

/** What is wrong with a command line, on one line, with what may have been meant. */
final class Misuse {
    /** What a converter says of a name that is empty. */
    static final String EMPTY = "it is empty";

    private static final int MOST_GUESSES = 3;

    private Misuse() {}

    /** {@return what to say about a command line that makes no sense} */
    static String text(ParameterException e) {
        String said =
                switch (e) {
                    case UnmatchedArgumentException unmatched -> unmatched(unmatched);
                    case ParameterException _ when isEmptyPath(e) ->
                            name(e.getArgSpec()) + " is empty";
                    default -> Explanation.oneLine(e.getMessage());
                };
        return "%s; see: %s --help"
                .formatted(said, e.getCommandLine().getCommandSpec().qualifiedName());
    }

    private static boolean isEmptyPath(ParameterException e) {
        return e.getArgSpec() != null && String.valueOf(e.getMessage()).endsWith(": " + EMPTY);
    }

    private static String name(ArgSpec argument) {
        return argument instanceof OptionSpec option ? option.longestName() : argument.paramLabel();
    }

    private static String unmatched(UnmatchedArgumentException e) {
        String word = Explanation.oneLine(e.getUnmatched().getFirst());
        return kind(word, e.getCommandLine()).formatted(word) + meant(e.getSuggestions());
    }

    private static String kind(String word, CommandLine command) {
        if (word.startsWith("-")) {
            return "there is no option '%s'";
        }
        if (!command.getSubcommands().isEmpty()) {
            return "there is no command '%s'";
        }
        return word.isEmpty() ? "an argument is empty" : "there is one argument too many, '%s'";
    }

    /** {@return a question what was meant, empty where there is nothing alike} */
    static String meant(List<String> alike) {
        return alike.isEmpty()
                ? ""
                : alike.stream()
                        .limit(MOST_GUESSES)
                        .collect(Collectors.joining(" or ", "; did you mean ", "?"));
    }
}
