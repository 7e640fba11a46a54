package dev.ublk4j.cli;

import dev.ublk4j.cli.output.Explanation;
import dev.ublk4j.cli.spec.TargetSpec;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParameterException;

/**
 * Targets that stand in one word where a command expects the kind of a target, as they do where
 * they are legs: {@code add 'mirror(a.img, b.img; log=ab.log)'} is {@code add mirror --log=ab.log
 * a.img b.img}.
 */
final class OneWordTargets {
    /** A kind, and what shows that there is more of the target in the same word. */
    private static final Pattern BEGIN =
            Pattern.compile("\\s*([A-Za-z-]+)\\s*[(:,].*", Pattern.DOTALL);

    private CommandLine command;

    private OneWordTargets(CommandLine root) {
        this.command = root;
    }

    /**
     * {@return the arguments of a command line, in which each such target has become the words of a
     * sub-command}
     *
     * @throws ParameterException when a word is the beginning of a target and makes no sense
     */
    static String[] expand(CommandLine root, String[] arguments) {
        return new OneWordTargets(root).expand(List.of(arguments)).toArray(String[]::new);
    }

    private List<String> expand(List<String> arguments) {
        List<String> words = new ArrayList<>();
        for (int i = 0; i < arguments.size(); i++) {
            String word = arguments.get(i);
            if (word.equals("--")) {
                words.addAll(arguments.subList(i, arguments.size()));
                return words;
            }
            if (word.startsWith("-")) {
                words.add(word);
                if (takesNext(word) && i + 1 < arguments.size()) {
                    i++;
                    words.add(arguments.get(i));
                }
                continue;
            }
            if (i + 1 < arguments.size() && isLegOfTwoWords(word, arguments.get(i + 1))) {
                i++;
                words.add(
                        TargetSpec.of(word.toLowerCase(Locale.ROOT))
                                .withArgument(arguments.get(i))
                                .toString());
                continue;
            }
            TargetSpec spec = command.getCommand() instanceof TargetHost ? specOrNull(word) : null;
            words.addAll(spec == null ? List.of(word) : spec.words());
            CommandLine next = subcommand(word);
            // Behind a target in one word another may follow, so the host remains.
            command = next == null ? command : next;
        }
        return words;
    }

    /** What is over one target alone may have that in two words: {@code fault file disk.img}. */
    private boolean isLegOfTwoWords(String word, String next) {
        return command.getCommand() instanceof FilterKind
                && !next.startsWith("-")
                && TargetWords.isKind(word);
    }

    private @Nullable CommandLine subcommand(String word) {
        return command.getSubcommands().get(word.toLowerCase(Locale.ROOT));
    }

    private @Nullable TargetSpec specOrNull(String word) {
        Matcher begin = BEGIN.matcher(word);
        if (!begin.matches() || subcommand(begin.group(1)) == null) {
            return null;
        }
        try {
            TargetSpec spec = TargetSpec.parse(word, kind -> subcommand(kind) != null);
            CommandLine kind = subcommand(spec.kind());
            if (kind != null) {
                TargetWords.checkMade(word, spec, kind);
            }
            return spec;
        } catch (IllegalArgumentException e) {
            throw new ParameterException(command, Explanation.of(e), e);
        }
    }

    /** {@return whether the value of an option is the next word} */
    private boolean takesNext(String word) {
        if (word.contains("=")) {
            return false;
        }
        List<OptionSpec> found = new ArrayList<>();
        for (CommandLine each = command; each != null; each = each.getParent()) {
            OptionSpec exact = each.getCommandSpec().findOption(word);
            if (exact != null) {
                return exact.arity().min() > 0;
            }
        }
        // picocli accepts the beginning of a name.
        for (Map.Entry<String, OptionSpec> option :
                command.getCommandSpec().optionsMap().entrySet()) {
            if (word.startsWith("--") && option.getKey().startsWith(word)) {
                found.add(option.getValue());
            }
        }
        return found.size() == 1 && found.getFirst().arity().min() > 0;
    }
}
