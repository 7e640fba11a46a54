package dev.ublk4j.sharing;

import dev.ublk4j.handover.Exchange;
import dev.ublk4j.handover.Request;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.Fd;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.linux.Peer;
import dev.ublk4j.linux.internal.FileStatus;
import dev.ublk4j.sharedmemory.FileIdentity;
import dev.ublk4j.sharedmemory.SharedMemory;
import dev.ublk4j.sharedmemory.process.MappedArea;
import dev.ublk4j.sharedmemory.process.ProcessMemory;
import dev.ublk4j.sharing.MemoryCheck.Range;
import dev.ublk4j.sharing.adopt.Candidate;
import dev.ublk4j.sharing.search.Sharers;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * A file of memory that processes have mapped and nobody has handed over; the holder of the buffers
 * that are parts of it.
 *
 * <p>It lives while a process has the file mapped. One such process is watched; when that has it no
 * more, another is looked for, so that one adoption serves a process and all that it forks.
 *
 * <p>Of the {@link Adoptions}.
 */
final class Adoption implements BufferHolder, AutoCloseable {
    /**
     * Bytes of the largest part: the most that an io_uring registers as one buffer, so that targets
     * that do I/O by themselves find the pages of every part pinned.
     */
    static final long LARGEST_PART = 1L << 30;

    private static final int LONGEST_NAME = 200;

    private final FileIdentity file;
    private final Fd path;
    private final String name;
    private final Peer from;
    private final List<Range> covered = new ArrayList<>();

    /** Never another; 0 before it is asked for. */
    private long pageSize;

    private final Map<Integer, ProcessMemory> watched = new HashMap<>();

    /**
     * Makes an adoption without buffers.
     *
     * @param path the file, of {@link Fd#O_PATH}; belongs to this from now on
     * @param name of its buffers
     * @param from whose memory it is
     */
    Adoption(FileIdentity file, Fd path, String name, Peer from) {
        this.file = file;
        this.path = path;
        this.name = name;
        this.from = from;
    }

    /**
     * Opens the file of a mapping.
     *
     * @throws LinuxException {@code ENOENT} when the process has another one mapped there meanwhile
     */
    static Adoption of(ProcessMemory process, Candidate candidate) {
        Peer from = new Peer(process.pid(), process.uid(), process.gid());
        String name = name(process.command(), candidate.name());
        MappedArea area =
                new MappedArea(
                        candidate.start(),
                        candidate.start() + candidate.length(),
                        true,
                        candidate.writable(),
                        true,
                        candidate.offset(),
                        candidate.file(),
                        candidate.name());
        Adoption adoption = new Adoption(candidate.file(), process.openFile(area), name, from);
        try {
            adoption.requireFile();
            return adoption;
        } catch (Throwable e) {
            adoption.close();
            throw e;
        }
    }

    /** {@return a name for the buffers of a program, with nothing in it that a terminal obeys} */
    static String name(String program, String mapping) {
        String name = program + ": " + mapping;
        StringBuilder printable = new StringBuilder();
        name.codePoints()
                .limit(LONGEST_NAME / 4)
                .map(c -> Character.isISOControl(c) ? '?' : c)
                .forEach(printable::appendCodePoint);
        return printable.toString();
    }

    FileIdentity file() {
        return file;
    }

    Peer from() {
        return from;
    }

    String name() {
        return name;
    }

    /** {@return bytes of its pages} */
    long pageSize() {
        if (pageSize == 0) {
            try (SharedMemory memory = open(false)) {
                pageSize = memory.pageSize();
            }
        }
        return pageSize;
    }

    /** {@return bytes of the file, as they are now, in whole pages: there is no part of a page} */
    long size() {
        long bytes = FileStatus.of(path).size();
        return bytes - bytes % pageSize();
    }

    /** Insists on what is open being its file: another may have been mapped meanwhile. */
    private void requireFile() {
        FileStatus status = FileStatus.of(path);
        long device = (long) file.deviceMajor() << 32 | Integer.toUnsignedLong(file.deviceMinor());
        if (status.inode() != file.inode() || status.device() != device) {
            throw new LinuxException("open", name, Errno.ENOENT.negated());
        }
    }

    /** Opens the file anew, for a buffer. */
    SharedMemory open(boolean writable) {
        return SharedMemory.open(Path.of("/proc/self/fd/" + path.number()), writable);
    }

    /** {@return the request for a part} */
    Request.Register request(Range part, boolean readOnly) {
        int flags = Exchange.TRUSTED | Exchange.ADOPTED | (readOnly ? Exchange.READ_ONLY : 0);
        return new Request.Register(part.offset(), part.length(), flags, name);
    }

    /**
     * {@return the parts of a range that are not covered yet, each no longer than a part may be}
     */
    List<Range> missing(long from, long to) {
        return missing(covered, from, to);
    }

    /** {@return the same where other parts are covered, which are in order} */
    static List<Range> missing(List<Range> covered, long from, long to) {
        List<Range> missing = new ArrayList<>();
        long next = from;
        for (Range known : covered) {
            if (known.offset() + known.length() > next && known.offset() < to) {
                split(next, Math.min(known.offset(), to), missing);
                next = known.offset() + known.length();
            }
        }
        split(next, to, missing);
        return missing;
    }

    private static void split(long from, long to, List<Range> parts) {
        long next = from;
        while (next < to) {
            // Parts end at multiples of their size, whatever is adopted first.
            long end = Math.min(to, (next / LARGEST_PART + 1) * LARGEST_PART);
            parts.add(new Range(next, end - next));
            next = end;
        }
    }

    /** Notes that a part is registered. */
    void cover(Range part) {
        covered.add(part);
        covered.sort((a, b) -> Long.compare(a.offset(), b.offset()));
    }

    /** {@return the parts that are covered, in order} */
    List<Range> covered() {
        return List.copyOf(covered);
    }

    /** Forgets the parts that are registered no more, because an operator has removed them. */
    void keepOnly(Collection<Range> registered) {
        covered.retainAll(registered);
    }

    /** {@return where the last part ends, 0 where there is none} */
    long end() {
        return covered.isEmpty() ? 0 : covered.getLast().offset() + covered.getLast().length();
    }

    /**
     * Forgets the parts that reach beyond a length.
     *
     * @return what of them is within it
     */
    List<Range> cutOff(long length) {
        List<Range> left = new ArrayList<>();
        for (Range part : List.copyOf(covered)) {
            if (part.offset() + part.length() > length) {
                covered.remove(part);
                if (part.offset() < length) {
                    left.add(new Range(part.offset(), length - part.offset()));
                }
            }
        }
        return left;
    }

    /** {@return bytes that are registered} */
    long bytes() {
        return covered.stream().mapToLong(Range::length).sum();
    }

    /** Watches a process, which may have ended or unmapped the file already. */
    void watch(int pid) {
        if (watched.containsKey(pid)) {
            return;
        }
        try {
            watched.put(pid, ProcessMemory.open(pid));
        } catch (LinuxException e) {
            if (e.errno() != Errno.ESRCH) {
                throw e;
            }
        }
    }

    /** {@return the processes that are watched} */
    Collection<ProcessMemory> watched() {
        return watched.values();
    }

    /**
     * {@return whether a process that is watched has the file still mapped}
     *
     * @throws LinuxException when this process cannot look now, for want of descriptors for example
     * @param seen the files of the processes that have been looked at just now, by number; what
     *     this looks at is added, so that each is looked at once, however many files it has
     */
    boolean isUsed(Map<Integer, Set<FileIdentity>> seen) {
        for (ProcessMemory process : List.copyOf(watched.values())) {
            Set<FileIdentity> files = seen.computeIfAbsent(process.pid(), _ -> filesOf(process));
            if (!files.contains(file) || process.hasEnded()) {
                watched.remove(process.pid());
                process.close();
            }
        }
        return !watched.isEmpty();
    }

    private static Set<FileIdentity> filesOf(ProcessMemory process) {
        try {
            return Sharers.files(process);
        } catch (LinuxException e) {
            if (ProcessMemory.isGoneOrForbidden(e)) {
                return Set.of();
            }
            throw e;
        }
    }

    @Override
    public void close() {
        watched.values().forEach(ProcessMemory::close);
        watched.clear();
        path.close();
    }

    @Override
    public String toString() {
        return "%s, %d bytes".formatted(name, bytes());
    }
}
