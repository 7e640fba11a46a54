package dev.ublk4j.sharedmemory.process;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.Fd;
import dev.ublk4j.linux.LinuxException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;

/**
 * Reads what {@code /proc} tells of a process, which may end at any moment.
 *
 * <p>That a process has ended is {@code ESRCH}, and nothing else is: want of descriptors or of
 * memory here says nothing about it.
 */
final class ProcFile {
    private static final long CHUNK = 1 << 16;
    private static final Pattern NEW_LINE = Pattern.compile("\n");

    private ProcFile() {}

    /**
     * {@return the lines of a file, as characters of ISO 8859-1}
     *
     * @throws LinuxException {@code ESRCH} when it is not there any more, or what the kernel says
     */
    static List<String> lines(Path file) {
        try (Fd opened = open(file, Fd.O_RDONLY)) {
            String text = text(opened);
            // Names may have other characters in them that end lines for Java.
            return text.isEmpty() ? List.of() : NEW_LINE.splitAsStream(text).toList();
        }
    }

    private static String text(Fd opened) {
        ByteArrayOutputStream text = new ByteArrayOutputStream();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment chunk = arena.allocate(CHUNK);
            while (true) {
                long read = checked(opened.name(), opened.pread(chunk, text.size()));
                if (read == 0) {
                    return text.toString(ISO_8859_1);
                }
                text.writeBytes(chunk.asSlice(0, read).toArray(ValueLayout.JAVA_BYTE));
            }
        }
    }

    /**
     * {@return what is in a folder}
     *
     * @throws LinuxException as {@link #lines}
     */
    static List<Path> entries(Path folder) {
        List<Path> entries = new ArrayList<>();
        try (DirectoryStream<Path> stream = Files.newDirectoryStream(folder)) {
            stream.forEach(entries::add);
        } catch (IOException | DirectoryIteratorException e) {
            LinuxException refused = refusal(folder);
            refused.initCause(e);
            throw refused;
        }
        return entries;
    }

    /** {@return why a folder cannot be read, which Java tells as a text only} */
    private static LinuxException refusal(Path folder) {
        try (Fd _ = open(folder, Fd.O_RDONLY | Fd.O_DIRECTORY)) {
            // It can be now: whatever was short is there again, and is asked for again later.
            return new LinuxException("read", folder.toString(), Errno.EAGAIN.negated());
        } catch (LinuxException e) {
            return new LinuxException("read", folder.toString(), e.errno().negated());
        }
    }

    private static Fd open(Path path, int flags) {
        try {
            return Fd.open(path, flags);
        } catch (LinuxException e) {
            // A process that is about to end has no mounts any more, which is EINVAL.
            boolean isGone = e.errno() == Errno.ENOENT || e.errno() == Errno.EINVAL;
            throw isGone ? ended(path.toString()) : e;
        }
    }

    private static long checked(String name, long answer) {
        if (answer == Errno.ENOENT.negated()) {
            throw ended(name);
        }
        return LinuxException.check("read", name, answer);
    }

    private static LinuxException ended(String name) {
        return new LinuxException("read", name, Errno.ESRCH.negated());
    }
}
