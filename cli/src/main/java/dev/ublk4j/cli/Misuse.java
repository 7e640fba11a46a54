package dev.ublk4j.cli;

import static java.util.Map.entry;

import dev.ublk4j.cli.output.Explanation;
import java.util.List;
import java.util.Locale;
import java.util.Map;
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

    /** What users of ublksrv and rublk type after {@code add}, and how it is spelled here. */
    private static final Map<String, String> HABITS =
            Map.ofEntries(
                    entry(
                            "-r",
                            "for recovery use --recovery; for a read-only device, -r after the target"),
                    entry("-t", "the kind of target is a word: ublk4j add file FILE"),
                    entry("--type", "the kind of target is a word: ublk4j add file FILE"),
                    entry("-f", "it goes after the target: ublk4j add file -f FILE"),
                    entry("--user_recovery", "use --recovery wait"),
                    entry("--user-recovery", "use --recovery wait"),
                    entry("--user_recovery_reissue", "use --recovery reissue"),
                    entry("--user-recovery-reissue", "use --recovery reissue"),
                    entry("--user_recovery_fail_io", "use --recovery fail"),
                    entry("--user-recovery-fail-io", "use --recovery fail"),
                    entry("-g", "use --mode get-data"),
                    entry("--get_data", "use --mode get-data"),
                    entry("--user-copy", "use --mode user-copy"),
                    entry("--user_copy", "use --mode user-copy"),
                    entry("--zero-copy", "use --mode zero-copy"),
                    entry("--zero_copy", "use --mode zero-copy"),
                    entry("--auto_zc", "use --mode zero-copy"));

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
        CommandLine command = e.getCommandLine();
        String habit =
                command.getCommandName().equals("add") && !command.getSubcommands().isEmpty()
                        ? HABITS.get(word)
                        : null;
        return kind(word, command).formatted(word)
                + (habit == null ? meant(alike(word, e)) : "; " + habit);
    }

    /**
     * What picocli finds alike shares pairs of letters with the word; exchanged ones share none.
     */
    private static List<String> alike(String word, UnmatchedArgumentException e) {
        if (!e.getSuggestions().isEmpty()) {
            return e.getSuggestions();
        }
        CommandLine command = e.getCommandLine();
        return Spelling.alike(
                word,
                word.startsWith("-")
                        ? command.getCommandSpec().optionsMap().keySet()
                        : command.getSubcommands().keySet());
    }

    private static String kind(String word, CommandLine command) {
        if (word.startsWith("-")) {
            return "unknown option '%s'";
        }
        if (!command.getSubcommands().isEmpty()) {
            String label = command.getCommandSpec().usageMessage().synopsisSubcommandLabel();
            return "unknown " + label.replaceAll("\\W", "").toLowerCase(Locale.ROOT) + " '%s'";
        }
        return word.isEmpty() ? "an argument is empty" : "unexpected argument '%s'";
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
