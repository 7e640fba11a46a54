package dev.ublk4j.crash;

import java.nio.file.Path;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A check failed on an image that a power cut could have left. The message is the story of the
 * smallest loss that was found; the cause is what the check threw.
 */
public final class CrashFailure extends AssertionError {
    private static final long serialVersionUID = 1;

    private final long seed;
    private final transient @Nullable Path image;

    CrashFailure(String story, long seed, @Nullable Path image, Throwable cause) {
        super(story, cause);
        this.seed = seed;
        this.image = image;
    }

    /** {@return the seed of the search, with which it finds the same again} */
    public long seed() {
        return seed;
    }

    /** {@return the file that the image was saved to} */
    public Optional<Path> image() {
        return Optional.ofNullable(image);
    }
}
