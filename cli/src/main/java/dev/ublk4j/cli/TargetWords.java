package dev.ublk4j.cli;

import dev.ublk4j.cli.output.Explanation;
import dev.ublk4j.cli.output.Failure;
import dev.ublk4j.cli.serve.SharingPlan;
import dev.ublk4j.cli.spec.TargetSpec;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.UnmatchedArgumentException;

/** Reads the words that {@link SharingFlags#words} and {@link TargetKind#words} wrote. */
@Command(
        name = "target",
        subcommands = {
            FileKind.class,
            MemoryKind.class,
            NullKind.class,
            ClassKind.class,
            StripeKind.class,
            MirrorKind.class,
            ConcatKind.class,
            OverlayKind.class,
            DelayKind.class,
            ErrorKind.class
        })
final class TargetWords implements TargetHost {
    @Mixin private final SharingFlags sharing = new SharingFlags();

    private @Nullable TargetKind kind;

    private TargetWords() {}

    /**
     * What the words say.
     *
     * @param kind the kind of target, with its options
     * @param sharing how memory is shared, null when it is not
     */
    record Read(TargetKind kind, @Nullable SharingPlan sharing) {}

    /**
     * {@return what the words say}
     *
     * @throws Failure when they make no sense to this version
     */
    static Read read(List<String> words) {
        TargetWords host = new TargetWords();
        Invocation.configured(new CommandLine(host))
                .setParameterExceptionHandler((e, arguments) -> {
                    throw new Failure("cannot make the target again: " + e.getMessage(), e);
                })
                .execute(words.toArray(String[]::new));
        TargetKind kind = host.kind;
        if (kind == null) {
            throw new Failure("cannot make the target again from: " + String.join(" ", words));
        }
        try {
            kind.checkWhole();
        } catch (IllegalArgumentException e) {
            throw new Failure("cannot make the target again: " + e.getMessage(), e);
        }
        return new Read(kind, host.sharing.plan());
    }

    /**
     * {@return the target that a text says, as {@link TargetSpec} has it}
     *
     * @throws IllegalArgumentException when it says none, with the reason
     */
    static TargetKind readSpec(String text) {
        TargetWords host = new TargetWords();
        CommandLine command = Invocation.configured(new CommandLine(host));
        TargetSpec spec = TargetSpec.parse(text, command.getSubcommands()::containsKey);
        CommandLine kind = command.getSubcommands().get(spec.kind());
        if (kind == null) {
            throw new IllegalArgumentException(unknownKind(text, spec, command));
        }
        command.setParameterExceptionHandler((e, arguments) -> {
                    throw new IllegalArgumentException(refused(text, e), e);
                })
                .execute(spec.words().toArray(String[]::new));
        return Objects.requireNonNull(host.kind);
    }

    private static String unknownKind(String text, TargetSpec spec, CommandLine command) {
        String word = spec.kind();
        return "there is no target '%s'%s%s"
                .formatted(
                        word,
                        text.strip().equals(word)
                                ? ", and a file of that name is file:" + word
                                : ", in: " + text,
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
    public int serve(TargetKind read) {
        kind = read;
        return 0;
    }
}
