package dev.ublk4j.cli;

import dev.ublk4j.server.Target;
import dev.ublk4j.targets.NullTarget;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** The kind {@code null}. */
@Command(
        name = "null",
        description =
                "A device that completes every request at once: it drops writes, and reads"
                        + " return no defined data.")
final class NullKind extends TargetKind {
    @Option(
            names = {"-s", "--size"},
            paramLabel = "SIZE",
            defaultValue = "250G",
            converter = ByteSize.class,
            description = "The size of the device. Default: ${DEFAULT-VALUE}.")
    private long size;

    @Override
    void check() {
        checkSize(size);
    }

    @Override
    List<String> ownWords() {
        return List.of("--size=" + size);
    }

    @Override
    Target open() {
        return new NullTarget(size);
    }
}
