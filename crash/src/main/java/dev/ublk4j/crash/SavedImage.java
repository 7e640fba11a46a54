package dev.ublk4j.crash;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * What has become of the image of a failure.
 *
 * @param file where it was saved, null where it could not be
 * @param reason why it could not be, null where it was
 */
record SavedImage(@Nullable Path file, @Nullable Throwable reason) {
    static SavedImage in(Path file) {
        return new SavedImage(file, null);
    }

    static SavedImage lost(Throwable reason) {
        return new SavedImage(null, reason);
    }

    @Override
    public String toString() {
        return reason == null ? "the image is " + file : "the image could not be saved: " + reason;
    }
}
