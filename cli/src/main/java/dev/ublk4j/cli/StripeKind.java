package dev.ublk4j.cli;

import dev.ublk4j.cli.spec.TargetSpec;
import dev.ublk4j.layers.Stripe;
import dev.ublk4j.server.Target;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** The kind {@code stripe}. */
@Command(
        name = "stripe",
        aliases = "raid0",
        description = "Chunks that go to several targets of one size in turn (RAID 0).",
        footer = {"", "Example:", "  ublk4j add stripe a.img b.img --chunk 128K"})
final class StripeKind extends LayerKind {
    @Option(
            names = "--chunk",
            paramLabel = "SIZE",
            defaultValue = "64K",
            converter = ByteSize.class,
            description =
                    "Bytes in one target before the next: a power of two. Default: ${DEFAULT-VALUE}.")
    private long chunk;

    @Override
    int fewestLegs() {
        return 2;
    }

    @Override
    void checkOptions() {
        if (Long.bitCount(chunk) != 1 || chunk > 1 << 30) {
            throw new IllegalArgumentException(
                    "a chunk is a power of two up to 1G, and not " + ByteSize.exact(chunk));
        }
    }

    @Override
    TargetSpec ownSpec() {
        return composed().with("chunk", ByteSize.exact(chunk));
    }

    @Override
    Target open(Opened opened) {
        return new Stripe(openLegs(opened), (int) chunk);
    }
}
