package dev.ublk4j.cli;

import dev.ublk4j.cli.serve.Reshaped;
import dev.ublk4j.server.Geometry;
import dev.ublk4j.server.QueueAffinity;
import dev.ublk4j.server.ServerThreads;
import dev.ublk4j.server.Target;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.ScopeType;

/** What a device is like beyond what its target says: limits of memory, threads and processors. */
@Command
final class ShapeFlags {
    @Option(
            names = "--cpus",
            paramLabel = "LIST",
            converter = CpuList.class,
            scope = ScopeType.INHERIT,
            description =
                    "The processors that the queue threads run on, such as 0-3,8: each on those"
                            + " whose requests the kernel gives its queue, or on all of them. Default:"
                            + " with several queues, each thread where its requests are made.")
    private @Nullable BitSet cpus;

    @Option(
            names = "--threads",
            paramLabel = "COUNT",
            scope = ScopeType.INHERIT,
            description =
                    "How many threads share the requests of all queues, more or fewer than queues"
                            + " (Linux 6.16). Default: a thread for each queue.")
    private @Nullable Integer threads;

    @Option(
            names = "--dma-alignment",
            paramLabel = "SIZE",
            converter = ByteSize.class,
            scope = ScopeType.INHERIT,
            description =
                    "How data must be aligned in memory, up to 4K. Default: that of the target.")
    private @Nullable Long dmaAlignment;

    @Option(
            names = "--max-segments",
            paramLabel = "COUNT",
            scope = ScopeType.INHERIT,
            description =
                    "The most segments of memory that the data of a request lies in. Default: no"
                            + " limit.")
    private @Nullable Integer maxSegments;

    @Option(
            names = "--max-segment-size",
            paramLabel = "SIZE",
            converter = ByteSize.class,
            scope = ScopeType.INHERIT,
            description = "The largest of these segments, 4K or more. Default: no limit.")
    private @Nullable Long maxSegmentSize;

    @Option(
            names = "--segment-boundary",
            paramLabel = "SIZE",
            converter = ByteSize.class,
            scope = ScopeType.INHERIT,
            description =
                    "A power of two, 4K or more: no segment crosses a multiple of it in memory."
                            + " Default: no limit.")
    private @Nullable Long segmentBoundary;

    /**
     * Finds what is wrong with the options, before anything is opened.
     *
     * @throws IllegalArgumentException when something is
     */
    void check() {
        if (threads != null && threads < 1) {
            throw new IllegalArgumentException("threads are not 1 or more: " + threads);
        }
        Geometry _ = shape(Geometry.ofSize(1 << 20));
    }

    /** {@return the options that say the same} */
    List<String> words() {
        List<String> words = new ArrayList<>();
        if (cpus != null) {
            words.add("--cpus=" + CpuList.format(cpus));
        }
        if (threads != null) {
            words.add("--threads=" + threads);
        }
        if (dmaAlignment != null) {
            words.add("--dma-alignment=" + dmaAlignment);
        }
        if (maxSegments != null) {
            words.add("--max-segments=" + maxSegments);
        }
        if (maxSegmentSize != null) {
            words.add("--max-segment-size=" + maxSegmentSize);
        }
        if (segmentBoundary != null) {
            words.add("--segment-boundary=" + segmentBoundary);
        }
        return words;
    }

    /**
     * {@return a target as these options shape it}
     *
     * @param target closed when this throws
     */
    Target over(Target target) {
        try {
            Geometry own = target.geometry();
            Geometry shaped = shape(own);
            QueueAffinity affinity = cpus == null ? null : QueueAffinity.on(cpus);
            Integer count = threads;
            ServerThreads served = count == null ? null : () -> count;
            return shaped.equals(own) && affinity == null && served == null
                    ? target
                    : new Reshaped(target, shaped, affinity, served);
        } catch (Throwable e) {
            target.close();
            throw e;
        }
    }

    private Geometry shape(Geometry geometry) {
        Geometry shaped = geometry;
        if (dmaAlignment != null && dmaAlignment != geometry.dmaAlignment()) {
            if (dmaAlignment < geometry.dmaAlignment()) {
                throw new IllegalArgumentException(
                        "DMA alignment %d is smaller than the target's own, %d"
                                .formatted(dmaAlignment, geometry.dmaAlignment()));
            }
            shaped = shaped.withDmaAlignment((int) Math.min(dmaAlignment, Integer.MAX_VALUE));
        }
        if (maxSegments != null) {
            shaped = shaped.withMaxSegments(maxSegments);
        }
        if (maxSegmentSize != null) {
            shaped = shaped.withMaxSegmentSize(maxSegmentSize);
        }
        return segmentBoundary == null ? shaped : shaped.withSegmentBoundary(segmentBoundary);
    }
}
