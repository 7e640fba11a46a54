package dev.ublk4j.cli;

import dev.ublk4j.cli.output.Explanation;
import dev.ublk4j.cli.output.Failure;
import dev.ublk4j.cli.serve.SharingPlan;
import dev.ublk4j.cli.spec.TargetSpec;
import dev.ublk4j.server.Target;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.UnmatchedArgumentException;

/** Reads the words that {@link SharingFlags#words} and {@link TargetKind#words} wrote. */
@Command(name = "target")
final class TargetWords extends TargetHost {
    @Mixin private final SharingFlags sharing = new SharingFlags();

    @Mixin private final ShapeFlags shape = new ShapeFlags();

    private TargetWords() {}

    /**
     * What the words say.
     *
     * @param kind the kind of target, with its options
     * @param sharing how memory is shared, null when it is not
     * @param shape what the device is like beyond that
     */
    record Read(TargetKind kind, @Nullable SharingPlan sharing, ShapeFlags shape) {
        /** {@return the target, which a device had}; called in the process that serves */
        Target openAgain() {
            return shape.over(kind.openAgain());
        }
    }

    /**
     * {@return what the words say}
     *
     * @throws Failure when they make no sense to this version
     */
    static Read read(List<String> words) {
        TargetWords host = new TargetWords();
        TargetKind kind;
        try {
            kind = parsed(Invocation.configured(new CommandLine(host)), words);
        } catch (ParameterException e) {
            throw new Failure(
                    "cannot open the target again: " + Explanation.oneLine(e.getMessage()), e);
        }
        if (kind == null) {
            throw new Failure("cannot open the target again from: " + String.join(" ", words));
        }
        try {
            kind.checkWhole();
        } catch (IllegalArgumentException e) {
            throw new Failure("cannot open the target again: " + e.getMessage(), e);
        }
        return new Read(kind, host.sharing.plan(), host.shape);
    }

    private static @Nullable TargetKind parsed(CommandLine command, List<String> words) {
        CommandLine last =
                command.parseArgs(words.toArray(String[]::new)).asCommandLineList().getLast();
        return last.getCommandSpec().userObject() instanceof TargetKind kind ? kind : null;
    }

    /** {@return whether a word is a kind of target that is not made of others} */
    static boolean isKind(String word) {
        CommandLine kind =
                new CommandLine(new TargetWords())
                        .getSubcommands()
                        .get(word.toLowerCase(Locale.ROOT));
        return kind != null && !(kind.getCommandSpec().userObject() instanceof LayerKind);
    }

    /**
     * {@return the target that a text says, as {@link TargetSpec} has it}
     *
     * @throws IllegalArgumentException when it says none, with the reason
     */
    static TargetKind readSpec(String text) {
        CommandLine command = Invocation.configured(new CommandLine(new TargetWords()));
        TargetSpec spec = TargetSpec.parse(text, command.getSubcommands()::containsKey);
        if (!command.getSubcommands().containsKey(spec.kind())) {
            throw new IllegalArgumentException(unknownKind(text, spec, command));
        }
        checkMade(text, spec, command.getSubcommands().get(spec.kind()));
        try {
            return Objects.requireNonNull(parsed(command, spec.words()));
        } catch (ParameterException e) {
            throw new IllegalArgumentException(refused(text, e), e);
        }
    }

    /**
     * Checks that only a layer has legs: {@code memory(1M)} is a mistake for {@code memory:1M}.
     *
     * @throws IllegalArgumentException when another kind has
     */
    static void checkMade(String text, TargetSpec spec, CommandLine kind) {
        if (spec.legs().isEmpty() || kind.getCommandSpec().userObject() instanceof LayerKind) {
            return;
        }
        TargetSpec leg = spec.legs().getFirst();
        String plain =
                spec.legs().size() == 1 && leg.argument() != null
                        ? "; write " + spec.over(List.of()).withArgument(leg.argument())
                        : "";
        throw new IllegalArgumentException(
                "%s is not made of other targets%s%s"
                        .formatted(spec.kind(), TargetKind.IN + text, plain));
    }

    private static String unknownKind(String text, TargetSpec spec, CommandLine command) {
        String word = spec.kind();
        return "there is no target '%s'%s%s"
                .formatted(
                        word,
                        text.strip().equals(word)
                                ? ", and a file of that name is file:" + word
                                : TargetKind.IN + text,
                        Misuse.meant(
                                new UnmatchedArgumentException(command, List.of(word))
                                        .getSuggestions()));
    }

    private static String refused(String text, ParameterException e) {
        if (e instanceof UnmatchedArgumentException unmatched) {
            String word = unmatched.getUnmatched().getFirst();
            String name = e.getCommandLine().getCommandName();
            return word.startsWith("--")
                    ? "%s has no option '%s', in: %s%s"
                            .formatted(
                                    name,
                                    word.substring(2).replaceFirst("=.*", ""),
                                    text,
                                    Misuse.meant(withoutDashes(unmatched.getSuggestions())))
                    : "%s is not made of '%s', in: %s".formatted(name, word, text);
        }
        return "%s, in: %s".formatted(Explanation.oneLine(e.getMessage()), text);
    }

    private static List<String> withoutDashes(List<String> options) {
        return options.stream()
                .filter(option -> option.startsWith("--"))
                .map(option -> option.substring(2).replaceFirst("=.*", ""))
                .toList();
    }

    @Override
    int serve(TargetKind read) {
        // A target that is read is served by who asked for it.
        throw new IllegalStateException("nobody serves " + read.name() + " here");
    }
}
