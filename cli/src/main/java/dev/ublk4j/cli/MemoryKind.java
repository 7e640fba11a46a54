package dev.ublk4j.cli;

import dev.ublk4j.cli.spec.TargetSpec;
import dev.ublk4j.server.Target;
import dev.ublk4j.targets.MemoryTarget;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** The kind {@code memory}. */
@Command(
        name = "memory",
        aliases = "ramdisk",
        description = "A disk in the memory of the server; its data is lost when the server ends.")
final class MemoryKind extends TargetKind {
    @Parameters(
            arity = "0..1",
            paramLabel = "SIZE",
            converter = ByteSize.class,
            description = "The size of the device, such as 512M or 1G.")
    private @Nullable Long positional;

    @Option(
            names = {"-s", "--size"},
            paramLabel = "SIZE",
            converter = ByteSize.class,
            description = "The same as SIZE.")
    private @Nullable Long named;

    private long size() {
        return ByteSize.once(positional, named)
                .orElseThrow(() -> new IllegalArgumentException("SIZE is missing"));
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
    boolean outlivesServer() {
        return false;
    }

    @Override
    Target open() {
        return sized(size(), MemoryTarget::new);
    }
}
