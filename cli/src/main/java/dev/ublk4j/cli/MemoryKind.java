package dev.ublk4j.cli;

import dev.ublk4j.server.Target;
import dev.ublk4j.targets.MemoryTarget;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** The kind {@code memory}. */
@Command(
        name = "memory",
        aliases = "ramdisk",
        description = "A disk in the memory of the server; its data is lost when the server ends.")
final class MemoryKind extends TargetKind {
    @Option(
            names = {"-s", "--size"},
            paramLabel = "SIZE",
            required = true,
            converter = ByteSize.class,
            description = "The size of the device, such as 512M or 1G.")
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
    boolean outlivesServer() {
        return false;
    }

    @Override
    Target open() {
        return new MemoryTarget(size);
    }
}
