package dev.ublk4j.sharing;

import dev.ublk4j.handover.HandoverException;
import dev.ublk4j.linux.Deadline;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.Fd;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.server.Device;
import dev.ublk4j.server.DeviceCounters;
import dev.ublk4j.sharedmemory.FileIdentity;
import dev.ublk4j.sharedmemory.SharedMemory;
import dev.ublk4j.sharedmemory.process.ProcessMemory;
import dev.ublk4j.sharing.MemoryCheck.Range;
import dev.ublk4j.sharing.adopt.AdoptedProgram;
import dev.ublk4j.sharing.adopt.AdoptionReport;
import dev.ublk4j.sharing.adopt.AdoptionReport.AdoptedBuffer;
import dev.ublk4j.sharing.adopt.AdoptionState;
import dev.ublk4j.sharing.adopt.Candidate;
import dev.ublk4j.sharing.adopt.Candidate.Verdict;
import dev.ublk4j.sharing.search.Advice;
import dev.ublk4j.sharing.search.Sharers;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** What a device has adopted, by file. Under the lock of the {@link Adopter}. */
final class Adoptions {
    /*
     * What may happen to memory that nobody has handed over:
     * ------------------------------------------------------
     * No seal holds its size, so the process can make it smaller, or punch holes. The driver has the
     * pages pinned, so none of them becomes anything else's, and the process has no way to bring a
     * request with a page that it gave back. It gets new pages there, which the driver does not know:
     * copied. What this process has mapped has new pages, too, or none: a touch of one beyond the end
     * is SIGBUS, which HotSpot turns into an InternalError, and so fails requests that were under way
     * as their memory went. To touch no more of it, what is beyond the end is taken back at the next
     * look.
     */
    private static final System.Logger LOG = System.getLogger(Adoptions.class.getName());

    /** Buffers that are registered in one go. The device stands still for each. */
    static final int MOST_AT_ONCE = 64;

    /**
     * How long that goes on; whoever asked waits for it. A registration waits for requests of the
     * device, and one that was begun in time is finished.
     */
    private static final Duration LONGEST = Duration.ofSeconds(30);

    private final Device device;
    private final Registry registry;
    private final Runnable giveWay;
    private final Map<FileIdentity, Adoption> adoptions = new LinkedHashMap<>();

    /** The counts of the device when there was nothing adopted last. */
    private DeviceCounters since;

    /**
     * Makes it for a device, without adoptions.
     *
     * @param giveWay lets others have the lock for a moment; throws when nothing is to be adopted
     *     any more
     */
    Adoptions(Device device, Registry registry, Runnable giveWay) {
        this.device = device;
        this.registry = registry;
        this.giveWay = giveWay;
        this.since = device.counters();
    }

    /** {@return whether there is none} */
    boolean isEmpty() {
        return adoptions.isEmpty();
    }

    /** Takes over what a former server has left. */
    void inherit() {
        for (HandedBuffer buffer : registry.inheritedAdoptions()) {
            Adoption adoption =
                    adoptions.computeIfAbsent(
                            buffer.identity(),
                            file ->
                                    new Adoption(
                                            file, buffer.openPath(), buffer.name(), buffer.from()));
            if (buffer.tryHold(adoption)) {
                adoption.cover(buffer.range());
            }
        }
    }

    /** {@return the processes that are watched} */
    List<Fd> watched() {
        return adoptions.values().stream()
                .flatMap(adoption -> adoption.watched().stream())
                .map(ProcessMemory::descriptor)
                .toList();
    }

    /** Forgets what an operator has removed, so that it can be adopted again. */
    void forgetRemoved() {
        for (Adoption adoption : adoptions.values()) {
            adoption.keepOnly(registry.heldBy(adoption).stream().map(HandedBuffer::range).toList());
        }
    }

    /**
     * Shares mappings of a process, and reports what has become of them. Others have the lock
     * between two registrations.
     */
    AdoptionReport adopt(ProcessMemory process, List<Candidate> candidates) {
        List<AdoptedBuffer> buffers = new ArrayList<>();
        List<String> complaints = new ArrayList<>();
        Deadline deadline = Deadline.in(LONGEST);
        long known = 0;
        for (Candidate candidate : candidates) {
            if (candidate.verdict() == Verdict.ADOPT) {
                try {
                    known +=
                            adopt(
                                    process,
                                    candidate,
                                    isWritten(candidates, candidate),
                                    deadline,
                                    buffers);
                } catch (LinuxException e) {
                    complaints.add(complaint(candidate, reason(e)));
                    if (e.errno() == Errno.EAGAIN || e.errno() == Errno.ECANCELED) {
                        break;
                    }
                }
            }
        }
        return new AdoptionReport(
                process.pid(), process.command(), candidates, buffers, known, complaints);
    }

    private static String complaint(Candidate candidate, String why) {
        return "%x-%x %s: %s"
                .formatted(
                        candidate.start(),
                        candidate.start() + candidate.length(),
                        candidate.name(),
                        why);
    }

    /** Tells what would become of mappings, with what the limits leave of them. */
    AdoptionReport examine(ProcessMemory process, List<Candidate> candidates) {
        Map<FileIdentity, List<Range>> planned = new HashMap<>();
        adoptions.forEach(
                (file, adoption) -> planned.put(file, new ArrayList<>(adoption.covered())));
        List<Candidate> judged = new ArrayList<>();
        List<String> complaints = new ArrayList<>();
        int buffers = 0;
        long bytes = 0;
        for (Candidate candidate : candidates) {
            Candidate verdict = candidate;
            if (candidate.verdict() == Verdict.ADOPT) {
                List<Range> covered =
                        planned.computeIfAbsent(candidate.file(), _ -> new ArrayList<>());
                long fits = 0;
                for (Range part : Adoption.missing(covered, candidate.offset(), candidate.end())) {
                    String refusal = registry.refusal(process.pid(), buffers, bytes, part.length());
                    if (!refusal.isEmpty()) {
                        if (fits == 0) {
                            verdict = candidate.but(Verdict.REFUSE, refusal);
                        } else {
                            complaints.add(
                                    complaint(
                                            candidate,
                                            "all but %d bytes: ".formatted(fits) + refusal));
                        }
                        break;
                    }
                    covered.add(part);
                    buffers++;
                    bytes += part.length();
                    fits += part.length();
                }
                covered.sort(Comparator.comparingLong(Range::offset));
            }
            judged.add(verdict);
        }
        return new AdoptionReport(
                process.pid(), process.command(), judged, List.of(), 0, complaints);
    }

    private static boolean isWritten(List<Candidate> candidates, Candidate some) {
        return candidates.stream()
                .anyMatch(other -> other.writable() && other.file().equals(some.file()));
    }

    private static String reason(LinuxException e) {
        return e instanceof HandoverException refused
                ? refused.text()
                : String.valueOf(e.getMessage());
    }

    /** {@return how many bytes of it were registered before, or are by others} */
    private long adopt(
            ProcessMemory process,
            Candidate candidate,
            boolean writable,
            Deadline deadline,
            List<AdoptedBuffer> buffers) {
        Adoption adoption = adoptions.get(candidate.file());
        if (adoption == null) {
            if (adoptions.isEmpty()) {
                since = device.counters();
            }
            adoption = Adoption.of(process, candidate);
            adoptions.put(candidate.file(), adoption);
        }
        try {
            adoption.watch(process.pid());
            long size = adoption.size();
            long from = Math.min(candidate.offset(), size);
            long to = Math.min(candidate.end(), size);
            long known = to - from;
            for (Range part = first(adoption, from, to);
                    part != null;
                    part = first(adoption, from, to)) {
                requireTurn(buffers.size(), deadline);
                buffers.add(register(adoption, part, writable));
                known -= part.length();
                giveWay.run();
                if (adoptions.get(candidate.file()) != adoption) {
                    throw new HandoverException(
                            "REGISTER",
                            "memory",
                            Errno.ESRCH.negated(),
                            "no process has it any more; it is given back");
                }
            }
            return known;
        } finally {
            if (adoption.bytes() == 0 && adoptions.get(candidate.file()) == adoption) {
                drop(adoption);
            }
        }
    }

    /** {@return the first part that is not registered, as others have left it; null for none} */
    private static @Nullable Range first(Adoption adoption, long from, long to) {
        List<Range> missing = adoption.missing(from, to);
        return missing.isEmpty() ? null : missing.getFirst();
    }

    /** Refuses one more registration for who has had as many, or has waited as long, as may be. */
    private static void requireTurn(int registered, Deadline deadline) {
        String why =
                registered == MOST_AT_ONCE
                        ? "%d buffers are registered at once".formatted(MOST_AT_ONCE)
                        : deadline.isOver() && registered > 0
                                ? "%d buffers took %d s".formatted(registered, LONGEST.toSeconds())
                                : "";
        if (!why.isEmpty()) {
            throw new HandoverException(
                    "REGISTER",
                    "memory",
                    Errno.EAGAIN.negated(),
                    "this and what follows is left; %s, adopt again for more".formatted(why));
        }
    }

    private AdoptedBuffer register(Adoption adoption, Range part, boolean writable) {
        SharedMemory memory = open(adoption, writable);
        boolean readOnly = !writable || !memory.isWritable();
        long pageSize = memory.pageSize();
        HandedBuffer buffer =
                registry.adopt(memory, adoption.request(part, readOnly), adoption.from(), adoption);
        adoption.cover(part);
        return new AdoptedBuffer(
                buffer.index(), part.offset(), part.length(), pageSize, readOnly, adoption.name());
    }

    /** Opens it for reading alone where more is not allowed. */
    private static SharedMemory open(Adoption adoption, boolean writable) {
        if (!writable) {
            return adoption.open(false);
        }
        try {
            return adoption.open(true);
        } catch (LinuxException e) {
            if (e.errno() != Errno.EACCES && e.errno() != Errno.EPERM) {
                throw e;
            }
            return adoption.open(false);
        }
    }

    /** Gives back what no process has any more, or what has been cut off. */
    void look() {
        Map<Integer, Set<FileIdentity>> seen = new HashMap<>();
        List<Adoption> unused =
                adoptions.values().stream().filter(adoption -> !adoption.isUsed(seen)).toList();
        if (!unused.isEmpty()) {
            Map<FileIdentity, List<Integer>> sharers =
                    Sharers.of(unused.stream().map(Adoption::file).toList());
            for (Adoption adoption : unused) {
                sharers.getOrDefault(adoption.file(), List.of()).stream()
                        .limit(1)
                        .forEach(adoption::watch);
                if (adoption.watched().isEmpty()) {
                    drop(adoption);
                }
            }
        }
        adoptions.values().forEach(this::fitToSize);
    }

    /** Takes back what is beyond the end of a file that has become smaller. */
    private void fitToSize(Adoption adoption) {
        long size = adoption.size();
        if (size >= adoption.end()) {
            return;
        }
        LOG.log(Level.DEBUG, () -> adoption + " has shrunk to " + size);
        boolean writable = registry.heldBy(adoption).stream().noneMatch(HandedBuffer::isReadOnly);
        registry.releaseBeyond(adoption, size);
        for (Range left : adoption.cutOff(size)) {
            try {
                AdoptedBuffer _ = register(adoption, left, writable);
            } catch (LinuxException e) {
                LOG.log(Level.WARNING, () -> adoption + " cannot be registered again", e);
            }
        }
    }

    private void drop(Adoption adoption) {
        adoptions.remove(adoption.file(), adoption);
        registry.releaseAll(adoption);
        LOG.log(Level.DEBUG, () -> adoption + " is given back: no process has it any more");
        adoption.close();
    }

    /** {@return what is adopted, and what would help} */
    AdoptionState state() {
        DeviceCounters now = device.counters();
        long shared = now.sharedRequests() - since.sharedRequests();
        long copied = now.copiedRequests() - since.copiedRequests();
        Map<FileIdentity, List<Integer>> sharers = Sharers.of(adoptions.keySet());
        List<AdoptedProgram> programs = new ArrayList<>();
        for (Adoption adoption : adoptions.values()) {
            List<HandedBuffer> buffers = registry.heldBy(adoption);
            AdoptedProgram program =
                    new AdoptedProgram(
                            adoption.from().pid(),
                            adoption.name(),
                            buffers.size(),
                            buffers.stream().mapToLong(HandedBuffer::length).sum(),
                            adoption.pageSize(),
                            0,
                            0,
                            0,
                            List.of());
            programs.add(
                    Advice.of(
                            program,
                            adoption.file(),
                            sharers.getOrDefault(adoption.file(), List.of()),
                            device.id(),
                            shared,
                            copied));
        }
        return new AdoptionState(programs, shared, copied);
    }

    /** Closes what is open. The buffers stay. */
    void close() {
        adoptions.values().forEach(Adoption::close);
        adoptions.clear();
    }
}
