package dev.ublk4j.cli;

import dev.ublk4j.cli.output.Explanation;
import dev.ublk4j.cli.output.Failure;
import dev.ublk4j.crash.RecordedImage;
import dev.ublk4j.crash.Recording;
import dev.ublk4j.crash.Recording.Loss;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** Which instant of a recording is meant, and what is lost then. */
final class InstantOptions {
    private static final Logger LOG = System.getLogger(InstantOptions.class.getName());

    private InstantOptions() {}

    /** {@return a recording, opened} */
    static Recording open(Path path) {
        try {
            Recording recording = Recording.open(path);
            if (recording.isTorn()) {
                LOG.log(
                        Level.WARNING,
                        "%s is damaged or cut off; what is missing counts as never written, and %d requests are there"
                                .formatted(path, recording.requests()));
            }
            return recording;
        } catch (IOException e) {
            throw new Failure(Explanation.of(e), e);
        }
    }

    /**
     * Sees to it that a recording is not written over by what is made of it.
     *
     * @throws Failure when a file is the recording, by whatever name
     */
    static void requireOther(Path recording, Path file) {
        try {
            if (Files.exists(file) && Files.isSameFile(recording, file)) {
                throw new Failure(file + " is the recording itself");
            }
        } catch (IOException e) {
            throw new Failure(Explanation.of(e), e);
        }
    }

    /** {@return the image of an instant} */
    static RecordedImage image(Recording recording, @Nullable String until, @Nullable String lose) {
        try {
            Loss loss = loss(lose);
            if (until == null) {
                return recording.after(recording.requests(), loss);
            }
            return until.matches("\\d{1,9}")
                    ? recording.after(Integer.parseInt(until), loss)
                    : recording.at(until, loss);
        } catch (IllegalArgumentException e) {
            throw new Failure(Explanation.of(e), e);
        }
    }

    /**
     * {@return what is lost}
     *
     * @throws IllegalArgumentException for what says nothing
     */
    static Loss loss(@Nullable String text) {
        if (text == null) {
            return Loss.none();
        }
        if (text.toLowerCase(Locale.ROOT).equals("all")) {
            return Loss.all();
        }
        if (!text.matches("\\d{1,18}")) {
            throw new IllegalArgumentException(
                    "'%s' is neither all nor the number of a choice by chance".formatted(text));
        }
        return Loss.random(Long.parseLong(text));
    }
}
