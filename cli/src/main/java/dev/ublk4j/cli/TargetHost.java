package dev.ublk4j.cli;

import java.io.IOException;
import picocli.CommandLine.Command;

/** A command that serves targets: its sub-commands are the kinds of them. */
@Command(
        subcommands = {
            FileKind.class,
            MemoryKind.class,
            NullKind.class,
            ClassKind.class,
            StripeKind.class,
            MirrorKind.class,
            ConcatKind.class,
            OverlayKind.class,
            ZonedKind.class,
            Qcow2Kind.class,
            NbdKind.class,
            RbdKind.class,
            FaultKind.class,
            RecordKind.class,
            RecordingKind.class
        })
abstract class TargetHost {
    /**
     * Serves what a sub-command describes.
     *
     * @return the exit status
     */
    abstract int serve(TargetKind kind) throws IOException;
}
