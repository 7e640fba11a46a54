package dev.ublk4j.cli;

import dev.ublk4j.cli.output.Explanation;
import dev.ublk4j.cli.output.Failure;
import dev.ublk4j.crash.Recording;
import dev.ublk4j.linux.internal.TimeText;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code ublk4j bisect}. */
@Command(
        name = "bisect",
        description = "Find the request of a recording after which a check of the disk fails.",
        footer = {
            "",
            "CMD is run by the shell with the name of an image as its last word, and says by its"
                    + " status whether the image is good: 0. 126 and 127 end the search: there is"
                    + " no such command. Each time the image is another file, which CMD may write.",
            "",
            "Examples:",
            "  ublk4j bisect disk.rec --check ./check.sh",
            "  ublk4j bisect disk.rec --check ./check.sh --lose all --save bad.img"
        })
final class BisectCommand implements Callable<Integer> {
    @Parameters(index = "0", paramLabel = "RECORDING", description = "The recording.")
    @SuppressWarnings("NullAway.Init") // set by picocli
    private Path file;

    @Option(names = "--check", required = true, paramLabel = "CMD", description = "The check.")
    private String check = "";

    @Option(
            names = {"--lose", "--crash"},
            arity = "1",
            paramLabel = "all|SEED",
            description =
                    "What a power cut may take at each instant: all that was not flushed, or what"
                            + " the number chooses by chance. Default: nothing.")
    private @Nullable String lose;

    @Option(
            names = "--timeout",
            paramLabel = "TIME",
            defaultValue = "60s",
            converter = TimeSpan.class,
            description =
                    "A check that takes longer is ended, and has failed. Default: ${DEFAULT-VALUE}.")
    private Duration timeout = Duration.ZERO;

    @Option(
            names = "--folder",
            paramLabel = "FOLDER",
            description = "Where images are made. Default: that for temporary files.")
    private @Nullable Path folder;

    @Option(
            names = "--save",
            paramLabel = "FILE",
            description = "Keep the first image on which the check fails.")
    private @Nullable Path save;

    @Spec
    @SuppressWarnings("NullAway.Init") // set by picocli
    private CommandSpec spec;

    private int checked;

    @Override
    public Integer call() throws IOException {
        PrintWriter out = spec.commandLine().getOut();
        Path kept = save;
        if (timeout.isZero()) {
            throw new ParameterException(
                    spec.commandLine(), "--timeout is no time at all, and every check would fail");
        }
        try (Recording recording = InstantOptions.open(file);
                CheckRuns checks = new CheckRuns(check, timeout)) {
            if (kept != null) {
                InstantOptions.requireOther(file, kept);
                // It is replaced in the end, which what is no file would not survive.
                if (Files.exists(kept) && !Files.isRegularFile(kept)) {
                    throw new Failure(kept + " is there, and no file that --save may replace");
                }
            }
            int good = 0;
            int bad = recording.requests();
            if (!holds(recording, checks, good)) {
                throw new Failure("the check fails before the first request of the recording");
            }
            if (holds(recording, checks, bad)) {
                throw new Failure(
                        "the check holds at the end of the recording, after %d requests"
                                .formatted(bad));
            }
            while (bad - good > 1) {
                int middle = (good + bad) >>> 1;
                if (holds(recording, checks, middle)) {
                    good = middle;
                } else {
                    bad = middle;
                }
            }
            out.println("the check fails after " + recording.describe(bad));
            List<String> marks = recording.marksBefore(bad);
            if (!marks.isEmpty()) {
                out.println("the last mark before it is: " + marks.getLast());
            }
            out.println("%d images were checked".formatted(checked));
            // The result is told whatever becomes of the image.
            out.flush();
            if (kept != null) {
                saveImage(recording, bad, kept);
                out.println("the image is " + kept);
            }
            out.flush();
        }
        return 0;
    }

    private void saveImage(Recording recording, int number, Path to) {
        try {
            Files.deleteIfExists(to);
            InstantOptions.image(recording, Integer.toString(number), lose).writeTo(to);
        } catch (IOException e) {
            throw new Failure("cannot save the image: " + Explanation.of(e), e);
        }
    }

    private boolean holds(Recording recording, CheckRuns checks, int number) throws IOException {
        Path where = folder;
        Path image =
                where == null
                        ? Files.createTempFile("ublk4j-bisect", ".img")
                        : Files.createTempFile(where, "ublk4j-bisect", ".img");
        // Whoever interrupts the search leaves no image behind.
        image.toFile().deleteOnExit();
        try {
            InstantOptions.image(recording, Integer.toString(number), lose).writeTo(image);
            checked++;
            return run(checks, image, number);
        } catch (IOException e) {
            throw new Failure("cannot make an image: " + Explanation.of(e), e);
        } finally {
            Files.deleteIfExists(image);
        }
    }

    private boolean run(CheckRuns checks, Path image, int number) throws IOException {
        Integer status = checks.run(image);
        if (status == null) {
            spec.commandLine()
                    .getErr()
                    .println(
                            "the check of the image after %d requests did not end within %s"
                                    .formatted(number, TimeText.of(timeout.toNanos())));
            return false;
        }
        return status == 0;
    }
}
