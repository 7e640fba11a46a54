package dev.ublk4j.cli;

import dev.ublk4j.cli.output.Explanation;
import dev.ublk4j.cli.output.Failure;
import dev.ublk4j.cli.spec.TargetSpec;
import dev.ublk4j.crash.History;
import dev.ublk4j.crash.Recorder;
import dev.ublk4j.server.ForwardingTarget;
import dev.ublk4j.server.Target;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** The kind {@code record}. */
@Command(
        name = "record",
        description = "Another target, whose changes and flushes are recorded in a file.",
        footer = {
            "",
            "'ublk4j replay' makes the disk of any instant of it, 'ublk4j bisect' finds the write"
                    + " after which a check fails. A file that is there goes on. 'ublk4j mark N"
                    + " TEXT' leaves a mark.",
            "",
            "Examples:",
            "  ublk4j add record disk.img --to disk.rec",
            "  ublk4j add file disk.img --layer record,to=disk.rec"
        })
final class RecordKind extends FilterKind {
    @Option(
            names = "--to",
            paramLabel = "FILE",
            description = "The recording; made when it is not there.")
    private @Nullable Path to;

    @Option(
            names = "--limit",
            paramLabel = "SIZE",
            converter = ByteSize.class,
            defaultValue = "16G",
            description =
                    "Writes fail when so much data has been recorded. Default: ${DEFAULT-VALUE}.")
    private long limit;

    private Path file() {
        Path named = to;
        if (named == null) {
            throw new IllegalArgumentException("a record needs its file: --to FILE, or to=FILE");
        }
        return named.toAbsolutePath().normalize();
    }

    @Override
    void checkOptions() {
        Path _ = file();
    }

    @Override
    TargetSpec options(TargetSpec spec) {
        return spec.with("to", file().toString()).with("limit", ByteSize.exact(limit));
    }

    @Override
    void name(NamedFiles files) {
        super.name(files);
        files.add(file());
    }

    /** A recording that has been taken away is begun anew: what is read is the same. */
    @Override
    @Nullable Path madeAnew() {
        return legs().isEmpty() ? null : legs().getFirst().madeAnew();
    }

    @Override
    Target over(Target below) {
        try {
            Path file = file();
            if (Files.notExists(file)) {
                made().add(file);
            }
            return new Recorded(below, History.inFile(file, below.geometry(), limit));
        } catch (IOException e) {
            below.close();
            throw new Failure(Explanation.of(e), e);
        } catch (Throwable e) {
            below.close();
            throw e;
        }
    }

    /** A recorder that closes its file. */
    private static final class Recorded extends ForwardingTarget {
        private final History history;

        Recorded(Target below, History history) {
            super(new Recorder(below, history));
            this.history = history;
        }

        @Override
        public void close() {
            try (History _ = history) {
                super.close();
            }
        }
    }
}
