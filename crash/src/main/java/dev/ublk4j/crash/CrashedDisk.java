package dev.ublk4j.crash;

import java.util.List;
import java.util.Optional;

/**
 * A disk as a power cut may have left it. What a check writes to it is its own: the next image
 * begins without it. Valid until the check returns.
 */
public interface CrashedDisk extends LabDisk {
    /**
     * {@return the {@linkplain CrashLab#mark marks} that were left before the power cut, in order}
     */
    List<Object> marks();

    /** {@return the last of the {@link #marks}} */
    default Optional<Object> lastMark() {
        List<Object> all = marks();
        return all.isEmpty() ? Optional.empty() : Optional.of(all.getLast());
    }
}
