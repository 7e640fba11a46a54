package dev.ublk4j.sharedmemory.process;

import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.Fd;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.linux.internal.FileStatus;
import dev.ublk4j.sharedmemory.FileIdentity;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Opens the files behind mappings, with {@link Fd#O_PATH}. */
final class MappedFile {
    private MappedFile() {}

    /**
     * Opens the file of a mapping, as {@link ProcessMemory#openFile} says.
     *
     * @param process its folder in {@code /proc}
     */
    static Fd open(Path process, MappedArea area) {
        try {
            return Fd.open(process.resolve("map_files").resolve(area.addresses()), Fd.O_PATH);
        } catch (LinuxException e) {
            if (e.errno() != Errno.EPERM && e.errno() != Errno.EACCES) {
                throw e;
            }
            return openOtherwise(process, area, e);
        }
    }

    /** {@return the file, found among the open files of the process, or by its name} */
    private static Fd openOtherwise(Path process, MappedArea area, LinuxException refusal) {
        List<Path> ways = new ArrayList<>(ProcFile.entries(process.resolve("fd")));
        addName(process, area, ways);
        for (Path way : ways) {
            Fd opened = openOrNull(way);
            if (opened != null) {
                if (isSame(opened, area.file())) {
                    return opened;
                }
                opened.close();
            }
        }
        throw refusal;
    }

    private static void addName(Path process, MappedArea area, List<Path> ways) {
        if (area.name().startsWith("/")) {
            try {
                // The kernel writes an escape for a new line, and for nothing else.
                ways.add(Path.of(process + "/root" + area.name().replace("\\012", "\n")));
            } catch (InvalidPathException _) {
                // It has characters that Java cannot write in this locale.
            }
        }
    }

    private static @Nullable Fd openOrNull(Path way) {
        try {
            return Fd.open(way, Fd.O_PATH);
        } catch (LinuxException e) {
            if (ProcessMemory.isGoneOrForbidden(e)) {
                return null;
            }
            throw e;
        }
    }

    private static boolean isSame(Fd opened, FileIdentity file) {
        FileStatus status = FileStatus.of(opened);
        long device = (long) file.deviceMajor() << 32 | Integer.toUnsignedLong(file.deviceMinor());
        return status.device() == device && status.inode() == file.inode();
    }
}
