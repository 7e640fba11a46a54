package dev.ublk4j.sharedmemory.process;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.Fd;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.linux.Pages;
import dev.ublk4j.linux.Poll;
import dev.ublk4j.linux.call.Syscall;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The memory of a process that runs, which cannot be mistaken for that of a later process with the
 * same number.
 *
 * <p>Holds a descriptor of the process ({@code pidfd_open(2)}). Everything else is read from {@code
 * /proc/PID}, by number; so each method that reads it looks at the descriptor afterwards: while the
 * process has not been waited for, nobody else has its number. Who may read what is the kernel's
 * decision, as for {@code ptrace(2)}.
 *
 * <p>Any thread.
 */
public final class ProcessMemory implements AutoCloseable {
    private static final Path PROC = Path.of("/proc");

    private final int pid;
    private final Path folder;
    private final Fd process;

    private ProcessMemory(int pid, Fd process) {
        this.pid = pid;
        this.folder = PROC.resolve(Integer.toString(pid));
        this.process = process;
    }

    /**
     * Details of a mapping.
     *
     * @param pageSize bytes of the pages that most of it is mapped with
     * @param resident bytes of it that this process has touched
     */
    public record Detail(long pageSize, long resident) {}

    /**
     * A file that a process has open.
     *
     * @param path its path, or what the kernel calls it
     * @param flags {@code O_...}
     * @param device {@code major:minor} of the file system that it lies on, empty where that is not
     *     mounted for the process
     */
    public record OpenFile(String path, int flags, String device) {}

    /**
     * Opens a process.
     *
     * @throws LinuxException {@code ESRCH} when there is none
     */
    public static ProcessMemory open(int pid) {
        String name = "process " + pid;
        long answer = Syscall.call(Syscall.Call.PIDFD_OPEN, pid, 0, 0);
        if (answer == Errno.EINVAL.negated() || answer == Errno.ENOENT.negated()) {
            // The number of a thread, or none at all: kernels answer differently.
            answer = Errno.ESRCH.negated();
        }
        return new ProcessMemory(
                pid, Fd.own((int) LinuxException.check("pidfd_open", name, answer), name));
    }

    /** {@return the numbers of all processes that can be seen} */
    public static List<Integer> all() {
        List<Integer> numbers = new ArrayList<>();
        for (Path each : ProcFile.entries(PROC)) {
            String name = Objects.requireNonNull(each.getFileName()).toString();
            if (name.charAt(0) >= '1' && name.charAt(0) <= '9') {
                numbers.add(Integer.valueOf(name));
            }
        }
        return numbers;
    }

    /**
     * {@return a text that tells a process from later ones with the same number, and from what it
     * was before it executed another program; empty where there is none}
     */
    public static String identity(int pid) {
        Path file = PROC.resolve(Integer.toString(pid)).resolve("stat");
        try {
            String stat = Files.readString(file, ISO_8859_1);
            // The name may have blanks and parentheses in it; the start is field 22.
            int end = stat.lastIndexOf(')');
            return stat.substring(0, end) + stat.substring(end).split(" ", -1)[22 - 2];
        } catch (IOException | IndexOutOfBoundsException e) {
            return "";
        }
    }

    /** {@return its number} */
    public int pid() {
        return pid;
    }

    /** {@return readable once the process has ended; stays open until this is closed} */
    public Fd descriptor() {
        return process;
    }

    /** {@return whether it has ended} */
    public boolean hasEnded() {
        try (Poll poll = new Poll(process)) {
            return poll.await(Duration.ZERO);
        }
    }

    /**
     * {@return the mappings}
     *
     * @throws LinuxException {@code ESRCH} when it has ended, {@code EACCES} when the kernel does
     *     not let this process look
     */
    public List<MappedArea> areas() {
        List<MappedArea> areas = new ArrayList<>();
        for (String line : lines("maps")) {
            MappedArea area = MappedArea.parseOrNull(line);
            if (area != null) {
                areas.add(area);
            }
        }
        return areas;
    }

    /**
     * {@return details of the mappings, by their first address; empty where the kernel has none}
     *
     * @throws LinuxException as {@link #areas}
     */
    public Map<Long, Detail> details() {
        Map<Long, Detail> details = new HashMap<>();
        long start = 0;
        for (String line : smaps()) {
            MappedArea area = MappedArea.parseOrNull(line);
            if (area != null) {
                start = area.start();
                details.put(start, new Detail(Pages.SIZE, 0));
            } else if (line.startsWith("Rss:") || line.contains("_Hugetlb:")) {
                long more = kilobytes(line);
                details.computeIfPresent(
                        start, (_, known) -> new Detail(known.pageSize(), known.resident() + more));
            } else if (line.startsWith("KernelPageSize:")) {
                long size = kilobytes(line);
                details.computeIfPresent(start, (_, known) -> new Detail(size, known.resident()));
            } else if (line.startsWith("ShmemPmdMapped:")) {
                // Follows the other lines: transparent huge pages, of which the file knows nothing.
                long huge = kilobytes(line);
                details.computeIfPresent(
                        start,
                        (_, known) ->
                                2 * huge > known.resident()
                                        ? new Detail(TransparentHugePage.SIZE, known.resident())
                                        : known);
            }
        }
        return details;
    }

    private List<String> smaps() {
        try {
            return lines("smaps");
        } catch (LinuxException e) {
            if (e.errno() != Errno.ESRCH) {
                throw e;
            }
            requireSame();
            return List.of();
        }
    }

    private static long kilobytes(String line) {
        return Long.parseLong(line.substring(line.indexOf(':')).replaceAll("\\D", "")) << 10;
    }

    /**
     * {@return the type of the file system on each device that the process has mounted, such as
     * {@code tmpfs}, by {@code major:minor}}
     *
     * <pre>{@code
     * 36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue
     * }</pre>
     *
     * @throws LinuxException as {@link #areas}
     */
    public Map<String, String> fileSystems() {
        Map<String, String> types = new HashMap<>();
        for (String line : lines("mountinfo")) {
            int end = line.indexOf(" - ");
            String[] fields = line.split(" ", 4);
            if (end > 0 && fields.length == 4) {
                types.put(fields[2], line.substring(end + 3).split(" ", 2)[0]);
            }
        }
        return types;
    }

    /**
     * {@return its user}
     *
     * @throws LinuxException as {@link #areas}
     */
    public int uid() {
        return status("Uid:");
    }

    /**
     * {@return its group}
     *
     * @throws LinuxException as {@link #areas}
     */
    public int gid() {
        return status("Gid:");
    }

    private int status(String field) {
        for (String line : lines("status")) {
            if (line.startsWith(field)) {
                return Integer.parseUnsignedInt(line.split("\\s+", -1)[1]);
            }
        }
        throw new LinuxException("read", folder.toString(), Errno.ESRCH.negated());
    }

    /**
     * {@return the name of its program, at most 15 characters}
     *
     * @throws LinuxException as {@link #areas}
     */
    public String command() {
        List<String> lines = lines("comm");
        return lines.isEmpty() ? "" : lines.getFirst();
    }

    /**
     * {@return the files that it has open}
     *
     * @throws LinuxException as {@link #areas}
     */
    public List<OpenFile> openFiles() {
        Map<String, String> devices = new HashMap<>();
        for (String line : lines("mountinfo")) {
            String[] fields = line.split(" ", 4);
            if (fields.length == 4) {
                devices.put(fields[0], fields[2]);
            }
        }
        List<OpenFile> files = new ArrayList<>();
        for (Path link : ProcFile.entries(folder.resolve("fd"))) {
            OpenFile file = openFileOrNull(link, devices);
            if (file != null) {
                files.add(file);
            }
        }
        requireSame();
        return files;
    }

    private @Nullable OpenFile openFileOrNull(Path link, Map<String, String> devices) {
        int flags = 0;
        String device = "";
        try {
            for (String line : lines("fdinfo/" + link.getFileName())) {
                String value = line.substring(line.indexOf(':') + 1).strip();
                if (line.startsWith("flags:")) {
                    flags = Integer.parseUnsignedInt(value, 8);
                } else if (line.startsWith("mnt_id:")) {
                    device = devices.getOrDefault(value, "");
                }
            }
            return new OpenFile(Files.readSymbolicLink(link).toString(), flags, device);
        } catch (IOException e) {
            // It has been closed meanwhile.
            return null;
        } catch (LinuxException e) {
            if (isGoneOrForbidden(e)) {
                return null;
            }
            throw e;
        }
    }

    /** {@return the path of its executable file, empty where that is not known} */
    public String executable() {
        try {
            return Files.readSymbolicLink(folder.resolve("exe")).toString();
        } catch (IOException e) {
            // A thread of the kernel has none, and others' may not be read.
            return "";
        }
    }

    /**
     * {@return the lines of a file of the process, as characters of ISO 8859-1}
     *
     * @param name the file's, within {@code /proc/PID}
     * @throws LinuxException as {@link #areas}
     */
    public List<String> lines(String name) {
        List<String> lines = ProcFile.lines(folder.resolve(name));
        requireSame();
        return lines;
    }

    private void requireSame() {
        if (hasEnded()) {
            throw new LinuxException("read", "process " + pid, Errno.ESRCH.negated());
        }
    }

    /**
     * Opens the file behind a mapping, without opening what a device node stands for.
     *
     * <p>{@code /proc/PID/map_files} opens files that have no name any more; it is for those with
     * {@code CAP_CHECKPOINT_RESTORE} or {@code CAP_SYS_ADMIN}. Others find the file among the
     * descriptors of the process, or by its name, where it still has either.
     *
     * @return a descriptor of {@link Fd#O_PATH}
     * @throws LinuxException {@code ENOENT} when the mapping is no more, {@code EPERM} when the
     *     kernel refuses
     */
    public Fd openFile(MappedArea area) {
        Fd opened = MappedFile.open(folder, area);
        try {
            requireSame();
            return opened;
        } catch (Throwable e) {
            opened.close();
            throw e;
        }
    }

    /**
     * {@return whether something says that a process, or what it had, is gone or is not for this
     * process to look at} Otherwise this process could not look, and knows nothing.
     */
    public static boolean isGoneOrForbidden(LinuxException e) {
        return switch (e.errno()) {
            case ESRCH, ENOENT, ENOTDIR, EPERM, EACCES -> true;
            default -> false;
        };
    }

    /** Closes the descriptor. */
    @Override
    public void close() {
        process.close();
    }

    @Override
    public String toString() {
        return "process " + pid;
    }
}
