package dev.ublk4j.cli;

import dev.ublk4j.cli.spec.TargetSpec;
import dev.ublk4j.layers.Concat;
import dev.ublk4j.server.Target;
import picocli.CommandLine.Command;

/** The kind {@code concat}. */
@Command(
        name = "concat",
        aliases = "linear",
        description = "Targets one behind the other, as large as all of them together.",
        footer = {"", "Example:", "  ublk4j add concat a.img b.img memory:64M"})
final class ConcatKind extends LayerKind {
    @Override
    int fewestLegs() {
        return 1;
    }

    @Override
    TargetSpec ownSpec() {
        return composed();
    }

    @Override
    Target open(Opened opened) {
        return new Concat(openLegs(opened));
    }
}
