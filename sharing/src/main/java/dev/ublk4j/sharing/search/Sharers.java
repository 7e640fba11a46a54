package dev.ublk4j.sharing.search;

import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.sharedmemory.FileIdentity;
import dev.ublk4j.sharedmemory.process.MappedArea;
import dev.ublk4j.sharedmemory.process.ProcessMemory;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Which processes have files mapped, by a look at all that can be seen. */
public final class Sharers {
    private static final int SELF = (int) ProcessHandle.current().pid();
    private static final String SERVED = "/dev/ublkc";

    private Sharers() {}

    /**
     * {@return the processes that have a file mapped and shared, by file; every file that is asked
     * for is there}
     *
     * <p>Neither this process nor the servers of other devices are among them: those have it
     * because they have adopted it, too, and two of them would keep it for each other for ever.
     *
     * @throws LinuxException when this process cannot look now, for want of descriptors for example
     */
    public static Map<FileIdentity, List<Integer>> of(Iterable<FileIdentity> files) {
        Map<FileIdentity, List<Integer>> sharers = new HashMap<>();
        files.forEach(file -> sharers.put(file, new ArrayList<>()));
        if (sharers.isEmpty()) {
            return sharers;
        }
        for (int pid : ProcessMemory.all()) {
            if (pid != SELF) {
                look(pid, sharers);
            }
        }
        return sharers;
    }

    private static void look(int pid, Map<FileIdentity, List<Integer>> sharers) {
        try (ProcessMemory process = ProcessMemory.open(pid)) {
            Set<FileIdentity> files = files(process);
            files.retainAll(sharers.keySet());
            if (!files.isEmpty() && !isServer(process)) {
                for (FileIdentity file : files) {
                    sharers.getOrDefault(file, new ArrayList<>()).add(pid);
                }
            }
        } catch (LinuxException e) {
            if (!ProcessMemory.isGoneOrForbidden(e)) {
                throw e;
            }
        }
    }

    /**
     * {@return the files that a process has mapped and shared}
     *
     * @throws LinuxException when it has ended, or the kernel does not let this process look
     */
    public static Set<FileIdentity> files(ProcessMemory process) {
        Set<FileIdentity> files = new HashSet<>();
        for (MappedArea area : process.areas()) {
            if (area.shared()) {
                files.add(area.file());
            }
        }
        return files;
    }

    /**
     * {@return whether a process serves a ublk device}
     *
     * @throws LinuxException as {@link #files}
     */
    static boolean isServer(ProcessMemory process) {
        return process.openFiles().stream().anyMatch(file -> file.path().startsWith(SERVED));
    }
}
