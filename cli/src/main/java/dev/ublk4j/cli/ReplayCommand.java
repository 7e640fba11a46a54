package dev.ublk4j.cli;

import dev.ublk4j.cli.output.Explanation;
import dev.ublk4j.cli.output.Failure;
import dev.ublk4j.crash.RecordedImage;
import dev.ublk4j.crash.Recording;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code ublk4j replay}. */
@Command(
        name = "replay",
        description = "Do to a file or a disk what a recording has.",
        footer = {
            "",
            "DEST is as it was when the recording began; a file that is not there is made, of"
                    + " zeroes. 'ublk4j add recording' serves the disk of an instant without a copy.",
            "",
            "Examples:",
            "  ublk4j replay disk.rec copy.img",
            "  ublk4j replay disk.rec copy.img --until 17",
            "  ublk4j replay disk.rec copy.img --until 'after mkfs' --lose all"
        })
final class ReplayCommand implements Callable<Integer> {
    @Parameters(index = "0", paramLabel = "RECORDING", description = "The recording.")
    @SuppressWarnings("NullAway.Init") // set by picocli
    private Path file;

    @Parameters(index = "1", paramLabel = "DEST", description = "A file or a block device.")
    @SuppressWarnings("NullAway.Init") // set by picocli
    private Path destination;

    @Option(
            names = "--until",
            paramLabel = "N|MARK",
            description =
                    "When so many requests had been sent, or a mark was left. Default: at its end.")
    private @Nullable String until;

    @Option(
            names = {"--lose", "--crash"},
            arity = "1",
            paramLabel = "all|SEED",
            description =
                    "What a power cut may take then: all that was not flushed, or what the number"
                            + " chooses by chance. Default: nothing.")
    private @Nullable String lose;

    @Override
    public Integer call() {
        try (Recording recording = InstantOptions.open(file)) {
            InstantOptions.requireOther(file, destination);
            RecordedImage image = InstantOptions.image(recording, until, lose);
            image.writeTo(destination);
            return 0;
        } catch (IOException e) {
            throw new Failure("cannot replay: " + Explanation.of(e), e);
        }
    }
}
