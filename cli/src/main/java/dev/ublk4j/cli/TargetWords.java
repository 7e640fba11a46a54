package dev.ublk4j.cli;

import dev.ublk4j.cli.output.Failure;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;

/** Reads the words that {@link TargetKind#words} wrote. */
@Command(
        name = "target",
        subcommands = {NullKind.class, MemoryKind.class, FileKind.class, ClassKind.class})
final class TargetWords implements TargetHost {
    private @Nullable TargetKind read;

    private TargetWords() {}

    /**
     * {@return the kind of target, with its options}
     *
     * @throws Failure when the words make no sense to this version
     */
    static TargetKind read(List<String> words) {
        TargetWords host = new TargetWords();
        new CommandLine(host)
                .setParameterExceptionHandler((e, arguments) -> {
                    throw new Failure("cannot make the target again: " + e.getMessage(), e);
                })
                .execute(words.toArray(String[]::new));
        TargetKind kind = host.read;
        if (kind == null) {
            throw new Failure("cannot make the target again from: " + String.join(" ", words));
        }
        return kind;
    }

    @Override
    public int serve(TargetKind kind) {
        read = kind;
        return 0;
    }
}
