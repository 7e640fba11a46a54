package dev.ublk4j.sharing.search;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.linux.call.FileName;
import dev.ublk4j.sharedmemory.process.ProcessMemory;
import dev.ublk4j.sharing.adopt.AdoptionRule;
import java.util.function.Predicate;

/** Whether an {@link AdoptionRule} fits a process. */
final class RuleFit {
    /** Bytes of a name that the kernel keeps. */
    private static final int LONGEST_NAME = 15;

    private static final String DELETED = " (deleted)";
    private static final String MOUNTED = "/sys/fs/cgroup";

    private final AdoptionRule rule;

    RuleFit(AdoptionRule rule) {
        this.rule = rule;
    }

    /**
     * {@return whether it does}
     *
     * @throws LinuxException when the process has ended, or is not for this process to look at
     */
    boolean fits(ProcessMemory process) {
        return !rule.isNone()
                && (rule.users().isEmpty() || rule.users().contains(process.uid()))
                && (rule.programs().isEmpty() || isOneOf(process))
                && (rule.cgroups().isEmpty() || isInside(process));
    }

    private boolean isOneOf(ProcessMemory process) {
        String command = process.command();
        String path = process.executable();
        // A package that has been upgraded since; a name cannot be both.
        String file =
                path.endsWith(DELETED) ? path.substring(0, path.length() - DELETED.length()) : path;
        String fileName = file.substring(file.lastIndexOf('/') + 1);
        Predicate<String> names =
                program ->
                        program.contains("/")
                                ? program.equals(file)
                                : program.equals(fileName) || shortened(program).equals(command);
        return rule.programs().stream().anyMatch(names);
    }

    /** {@return what the kernel keeps of a name, a byte a character} */
    private static String shortened(String program) {
        byte[] name = FileName.bytes(program);
        return new String(name, 0, Math.min(name.length, LONGEST_NAME), ISO_8859_1);
    }

    private boolean isInside(ProcessMemory process) {
        for (String bytes : process.lines("cgroup")) {
            String line = FileName.text(bytes.getBytes(ISO_8859_1), bytes.length());
            String path = line.substring(line.indexOf(':', line.indexOf(':') + 1) + 1);
            if (rule.cgroups().stream().anyMatch(cgroup -> isInside(path, cgroup))) {
                return true;
            }
        }
        return false;
    }

    static boolean isInside(String path, String cgroup) {
        String slashed = path + "/";
        if (!cgroup.contains("/")) {
            return slashed.contains("/" + cgroup + "/");
        }
        String wanted = cgroup.startsWith(MOUNTED) ? cgroup.substring(MOUNTED.length()) : cgroup;
        return slashed.startsWith(("/" + wanted + "/").replaceAll("/+", "/"));
    }
}
