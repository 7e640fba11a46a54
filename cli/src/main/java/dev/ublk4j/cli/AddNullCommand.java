package dev.ublk4j.cli;

import dev.ublk4j.server.Target;
import dev.ublk4j.targets.NullTarget;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code ublk4j add null}. */
@Command(
        name = "null",
        description = "A device that answers at once: writes vanish, reads bring anything.")
final class AddNullCommand extends AddKind {
    @Option(
            names = {"-s", "--size"},
            paramLabel = "SIZE",
            defaultValue = "250G",
            converter = ByteSize.class,
            description = "The device's size. Default: ${DEFAULT-VALUE}.")
    private long size;

    @Override
    void check() {
        flags().checkSize(size);
    }

    @Override
    Target open() {
        return new NullTarget(size);
    }
}
