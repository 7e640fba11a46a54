package dev.ublk4j.cli;

import dev.ublk4j.cli.spec.TargetSpec;
import dev.ublk4j.crash.Recording;
import dev.ublk4j.server.ForwardingTarget;
import dev.ublk4j.server.Target;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** The kind {@code recording}. */
@Command(
        name = "recording",
        description = "A disk as it was at an instant of a recording; changes to it are not kept.",
        footer = {
            "",
            "Examples:",
            "  ublk4j add recording disk.rec --until 17",
            "  ublk4j add recording disk.rec --until 'after mkfs' --lose all"
        })
final class RecordingKind extends TargetKind {
    @Parameters(arity = "0..1", paramLabel = "FILE", description = "The recording.")
    private @Nullable Path file;

    @Option(
            names = "--until",
            paramLabel = "N|MARK",
            description =
                    "When so many requests had been sent, or a mark was left. Default: at its end.")
    private @Nullable String until;

    @Option(
            names = "--lose",
            paramLabel = "all|SEED",
            description =
                    "What a power cut may take then: all that was not flushed, or what the number"
                            + " chooses by chance. Default: nothing.")
    private @Nullable String lose;

    private Path path() {
        Path named = file;
        if (named == null) {
            throw new IllegalArgumentException("FILE is missing, the recording");
        }
        return named.toAbsolutePath().normalize();
    }

    @Override
    String source() {
        return path().toString();
    }

    @Override
    void check() {
        Path _ = path();
        Recording.Loss _ = InstantOptions.loss(lose);
    }

    @Override
    TargetSpec ownSpec() {
        TargetSpec spec = TargetSpec.of(name()).withArgument(path().toString());
        if (until != null) {
            spec = spec.with("until", until);
        }
        return lose == null ? spec : spec.with("lose", lose);
    }

    @Override
    boolean outlivesServer() {
        return false;
    }

    @Override
    Target open() {
        Recording recording = InstantOptions.open(path());
        try {
            return new Opened(
                    recording, recording.target(InstantOptions.image(recording, until, lose)));
        } catch (Throwable e) {
            recording.close();
            throw e;
        }
    }

    /** An image that closes its recording. */
    private static final class Opened extends ForwardingTarget {
        private final Recording recording;

        Opened(Recording recording, Target image) {
            super(image);
            this.recording = recording;
        }

        @Override
        public void close() {
            try (Recording _ = recording) {
                super.close();
            }
        }
    }
}
