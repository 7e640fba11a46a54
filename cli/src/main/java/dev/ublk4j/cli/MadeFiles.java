package dev.ublk4j.cli;

import dev.ublk4j.cli.output.Failure;
import dev.ublk4j.server.Target;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** The files that a target has made for itself; what another server makes meanwhile is not. */
final class MadeFiles {
    private final List<Path> files = new ArrayList<>();

    void add(Path file) {
        files.add(file);
    }

    /** {@return the first of them or of those that legs have made anew, or null} */
    @Nullable Path first(List<TargetKind> legs) {
        Path first = files.isEmpty() ? null : files.getFirst();
        for (TargetKind leg : legs) {
            first = first == null ? leg.madeAnew() : first;
        }
        return first;
    }

    /**
     * {@return what is served of the target as the options shape it} Where it cannot be, what the
     * target has made for itself is deleted.
     *
     * @param start serves it
     */
    static <T> T served(TargetKind kind, Function<Target, T> start) {
        Target target = kind.openShaped();
        try {
            return start.apply(target);
        } catch (Throwable e) {
            kind.deleteMade();
            throw e;
        }
    }

    /**
     * {@return the target, of a device that had such a one before}
     *
     * @param target closed when this throws
     * @throws Failure when some of it had to be made anew
     */
    static Target requireNone(TargetKind kind, Target target) {
        Path anew = kind.madeAnew();
        if (anew == null) {
            return target;
        }
        target.close();
        kind.deleteMade();
        throw new Failure(
                "%s is gone, and the device would lose what it held: put it back, or delete the device"
                        .formatted(anew));
    }

    /** Deletes them, because what they are a part of has failed. */
    void delete() {
        try {
            for (Path each : files) {
                Files.deleteIfExists(each);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        files.clear();
    }
}
