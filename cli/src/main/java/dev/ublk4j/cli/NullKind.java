package dev.ublk4j.cli;

import dev.ublk4j.cli.spec.TargetSpec;
import dev.ublk4j.server.Target;
import dev.ublk4j.targets.NullTarget;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** The kind {@code null}. */
@Command(
        name = "null",
        description =
                "A device that completes every request at once: it drops writes, and reads"
                        + " return no defined data.")
final class NullKind extends TargetKind {
    private static final String DEFAULT_SIZE = "250G";

    @Parameters(
            arity = "0..1",
            paramLabel = "SIZE",
            converter = ByteSize.class,
            description = "The size of the device. Default: " + DEFAULT_SIZE + ".")
    private @Nullable Long positional;

    @Option(
            names = {"-s", "--size"},
            paramLabel = "SIZE",
            converter = ByteSize.class,
            description = "The same as SIZE.")
    private @Nullable Long named;

    private long size() {
        return ByteSize.once(positional, named).orElseGet(() -> ByteSize.parse(DEFAULT_SIZE));
    }

    @Override
    void check() {
        checkSize(size());
    }

    @Override
    TargetSpec ownSpec() {
        return TargetSpec.of(name()).withArgument(ByteSize.exact(size()));
    }

    @Override
    boolean keepsData() {
        return false;
    }

    @Override
    boolean dropsData() {
        return true;
    }

    @Override
    Target open() {
        return sized(size(), NullTarget::new);
    }
}
