package dev.ublk4j.sharing.search;

import dev.ublk4j.linux.Fd;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.sharedmemory.FileIdentity;
import dev.ublk4j.sharedmemory.SharedMemory;
import dev.ublk4j.sharedmemory.process.MappedArea;
import dev.ublk4j.sharedmemory.process.ProcessMemory;
import dev.ublk4j.sharedmemory.process.ProcessMemory.Detail;
import dev.ublk4j.sharing.adopt.Candidate;
import dev.ublk4j.sharing.adopt.Candidate.Verdict;
import dev.ublk4j.sharing.adopt.Choice;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * A look at the mappings of a process, to see which can be adopted.
 *
 * <p>Only memory can be: what the kernel keeps in a file system of memory, mapped shared. A file of
 * another file system is not even opened, because opening can do anything there.
 */
public final class Examination {
    private static final String TMPFS = "tmpfs";
    private static final String HUGETLBFS = "hugetlbfs";
    private static final Set<String> FILE_SYSTEMS_OF_MEMORY = Set.of(TMPFS, HUGETLBFS);

    private static final String MEMFD = "/memfd:";
    private static final String ANONYMOUS = "/dev/zero";
    private static final String ANONYMOUS_HUGE = "/anon_hugepage";
    private static final String SYSTEM_V = "/SYSV";
    private static final String DELETED = " (deleted)";

    private final ProcessMemory process;
    private final Choice choice;
    private final boolean brief;
    private final Map<String, String> fileSystems;
    private final Map<Long, Detail> details;

    private Examination(ProcessMemory process, Choice choice, boolean brief) {
        this.process = process;
        this.choice = choice;
        this.brief = brief;
        this.fileSystems = process.fileSystems();
        this.details = brief ? Map.of() : process.details();
    }

    /**
     * {@return the mappings of a process that are shared, and the large private ones that may be
     * written, the largest first}
     *
     * @throws LinuxException {@code ESRCH} when it has ended, {@code EACCES} when the kernel does
     *     not let this process look
     */
    public static List<Candidate> of(ProcessMemory process, Choice choice) {
        return new Examination(process, choice, false).candidates();
    }

    /**
     * {@return the same without details of pages and without the processes that share them, which
     * take a look at all of them}
     *
     * @throws LinuxException as {@link #of}
     */
    public static List<Candidate> brief(ProcessMemory process, Choice choice) {
        return new Examination(process, choice, true).candidates();
    }

    private List<Candidate> candidates() {
        List<Candidate> found = new ArrayList<>();
        Set<FileIdentity> memory = new HashSet<>();
        for (MappedArea area : process.areas()) {
            if (isOfInterest(area)) {
                Candidate candidate = candidate(area);
                found.add(candidate);
                if (candidate.verdict() == Verdict.ADOPT) {
                    memory.add(candidate.file());
                }
            }
        }
        if (!brief) {
            Map<FileIdentity, List<Integer>> sharers = Sharers.of(memory);
            found.replaceAll(candidate -> withOthers(candidate, sharers));
        }
        found.sort(Comparator.comparingLong(Candidate::length).reversed());
        return found;
    }

    private boolean isOfInterest(MappedArea area) {
        boolean large = area.length() >= Choice.WORTHWHILE || !choice.starts().isEmpty();
        return choice.names(area.start())
                && (area.shared() || (large && area.writable() && area.readable()));
    }

    private Candidate withOthers(Candidate candidate, Map<FileIdentity, List<Integer>> sharers) {
        List<Integer> others = new ArrayList<>(sharers.getOrDefault(candidate.file(), List.of()));
        others.remove(Integer.valueOf(process.pid()));
        return new Candidate(
                candidate.start(),
                candidate.length(),
                candidate.offset(),
                candidate.kind(),
                candidate.name(),
                candidate.file(),
                candidate.writable(),
                candidate.pageSize(),
                candidate.resident(),
                others,
                candidate.verdict(),
                candidate.reason());
    }

    private Candidate candidate(MappedArea area) {
        Detail detail = details.getOrDefault(area.start(), new Detail(0, 0));
        Candidate candidate =
                new Candidate(
                        area.start(),
                        area.length(),
                        area.offset(),
                        kind(area),
                        area.name(),
                        area.file(),
                        area.writable(),
                        detail.pageSize(),
                        detail.resident(),
                        List.of(),
                        Verdict.ADOPT,
                        "");
        String refusal = refusal(area);
        if (!refusal.isEmpty()) {
            return candidate.but(Verdict.REFUSE, refusal);
        }
        if (!choice.small() && area.length() < Choice.WORTHWHILE) {
            return candidate.but(Verdict.LEAVE, "less than 1 MiB");
        }
        return candidate;
    }

    private String refusal(MappedArea area) {
        if (!area.shared()) {
            return "private memory: only memory that is mapped shared can be adopted";
        }
        if (!isMemoryByName(area)) {
            String type = fileSystem(area);
            if (!FILE_SYSTEMS_OF_MEMORY.contains(type)) {
                return type.isEmpty()
                        ? "not memory: a device, or a file that is not mounted here"
                        : "not memory: a file on " + type;
            }
        }
        if (!area.readable()) {
            return "the process cannot read it";
        }
        try (Fd file = process.openFile(area);
                SharedMemory memory = SharedMemory.adopt(file)) {
            return memory.kind() == SharedMemory.Kind.OTHER ? "not memory" : "";
        } catch (LinuxException e) {
            return switch (e.errno()) {
                case EPERM, EACCES ->
                        "no permission: it is not open in the process, so the server needs root, or"
                                + " CAP_CHECKPOINT_RESTORE as by systemd's AmbientCapabilities=";
                case ENOENT, ESRCH -> "gone meanwhile";
                default -> String.valueOf(e.getMessage());
            };
        }
    }

    private String kind(MappedArea area) {
        if (!area.shared()) {
            return "private";
        }
        String name = area.name();
        if (!isMemoryByName(area)) {
            String type = fileSystem(area);
            return type.isEmpty() ? "other" : type;
        }
        if (name.startsWith(MEMFD)) {
            return "memfd";
        }
        return name.startsWith(SYSTEM_V) ? "System V" : "anonymous";
    }

    /** {@return whether it seems to be memory of a file system that is mounted nowhere} */
    private static boolean isMemoryByName(MappedArea area) {
        String name = area.name();
        return name.endsWith(DELETED)
                && (name.startsWith(MEMFD)
                        || name.startsWith(ANONYMOUS)
                        || name.startsWith(ANONYMOUS_HUGE)
                        || name.startsWith(SYSTEM_V));
    }

    private String fileSystem(MappedArea area) {
        FileIdentity file = area.file();
        return fileSystems.getOrDefault(file.deviceMajor() + ":" + file.deviceMinor(), "");
    }
}
