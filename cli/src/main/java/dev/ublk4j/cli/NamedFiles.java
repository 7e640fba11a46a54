package dev.ublk4j.cli;

import dev.ublk4j.kernel.KernelDriver;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;

/** The files that a target is made of, none of which may be there twice. */
final class NamedFiles {
    private static final String TWICE = "%s is given twice";

    private record Part(Path path, long begin, long end) {
        boolean overlaps(Part other) {
            return begin < other.end && other.begin < end;
        }
    }

    private final List<Part> parts = new ArrayList<>();

    /** Adds a whole file. */
    void add(Path path) {
        add(path, 0, 0);
    }

    /**
     * Adds a part of a file.
     *
     * @param offset where it begins
     * @param size bytes of it, 0 for all to the end
     * @throws IllegalArgumentException when some of it is there already, by whatever name
     */
    void add(Path path, long offset, long size) {
        Part added = new Part(path, offset, size == 0 ? Long.MAX_VALUE : offset + size);
        for (Part other : parts) {
            if (added.overlaps(other) && isSame(path, other.path)) {
                throw new IllegalArgumentException(
                        path.equals(other.path)
                                ? TWICE.formatted(path)
                                : TWICE.formatted(path) + ", the other time as " + other.path);
            }
        }
        parts.add(added);
    }

    private static boolean isSame(Path one, Path other) {
        try {
            return one.equals(other) || Files.isSameFile(one, other);
        } catch (IOException e) {
            // One of them is not there, or nobody can tell; what opens it says so.
            return false;
        }
    }

    /**
     * Refuses a device that is made of itself.
     *
     * @param number the device
     * @throws IllegalArgumentException when it, or a partition of it, is among the files
     */
    void requireNot(int number) {
        Pattern own =
                Pattern.compile(Pattern.quote(KernelDriver.blockPath(number) + "") + "(p\\d+)?");
        for (Part part : parts) {
            if (own.matcher(real(part.path).toString()).matches()) {
                throw new IllegalArgumentException(
                        "device %d cannot be made of itself, %s".formatted(number, part.path));
            }
        }
    }

    private static Path real(Path path) {
        try {
            return path.toRealPath();
        } catch (IOException e) {
            return path;
        }
    }
}
