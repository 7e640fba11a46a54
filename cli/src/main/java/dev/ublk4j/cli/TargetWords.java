package dev.ublk4j.cli;

import dev.ublk4j.cli.output.Failure;
import dev.ublk4j.cli.serve.SharingPlan;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** Reads the words that {@link SharingFlags#words} and {@link TargetKind#words} wrote. */
@Command(
        name = "target",
        subcommands = {NullKind.class, MemoryKind.class, FileKind.class, ClassKind.class})
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
                    throw new Failure("cannot open the target again: " + e.getMessage(), e);
                })
                .execute(words.toArray(String[]::new));
        TargetKind kind = host.kind;
        if (kind == null) {
            throw new Failure("cannot open the target again from: " + String.join(" ", words));
        }
        return new Read(kind, host.sharing.plan());
    }

    @Override
    public int serve(TargetKind read) {
        kind = read;
        return 0;
    }
}
