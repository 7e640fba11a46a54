package dev.ublk4j.cli;

import java.io.IOException;

/** A command whose sub-commands are kinds of targets, which it serves. */
interface TargetHost {
    /**
     * Serves what a sub-command describes.
     *
     * @return the exit status
     */
    int serve(TargetKind kind) throws IOException;
}
