package dev.ublk4j.cli;

import dev.ublk4j.cli.spec.TargetSpec;
import dev.ublk4j.layers.Delay;
import dev.ublk4j.server.Target;
import java.time.Duration;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** The kind {@code delay}. */
@Command(
        name = "delay",
        description = "Another target, whose requests wait first: a slow disk.",
        footer = {
            "",
            "Examples:",
            "  ublk4j add delay disk.img --read 5ms --write 10ms",
            "  ublk4j add file disk.img --layer delay,read=5ms,write=10ms"
        })
final class DelayKind extends FilterKind {
    @Option(
            names = "--read",
            paramLabel = "TIME",
            defaultValue = "0",
            converter = TimeSpan.class,
            description = "How long a read waits, like 5ms or 200us. Default: ${DEFAULT-VALUE}.")
    private Duration read = Duration.ZERO;

    @Option(
            names = "--write",
            paramLabel = "TIME",
            defaultValue = "0",
            converter = TimeSpan.class,
            description = "How long everything else waits. Default: ${DEFAULT-VALUE}.")
    private Duration write = Duration.ZERO;

    @Override
    TargetSpec options(TargetSpec spec) {
        return spec.with("read", TimeSpan.exact(read)).with("write", TimeSpan.exact(write));
    }

    @Override
    Target over(Target below) {
        return new Delay(below, read, write);
    }
}
