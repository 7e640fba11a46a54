package dev.ublk4j.sharing.search;

import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.sharedmemory.process.ProcessMemory;
import dev.ublk4j.sharing.adopt.AdoptionRule;
import java.util.function.Predicate;

/** Whether an {@link AdoptionRule} fits a process. */
final class RuleFit {
    /** Characters of a name that the kernel keeps. */
    private static final int LONGEST_NAME = 15;

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
        String file = process.executable();
        String fileName = file.substring(file.lastIndexOf('/') + 1);
        Predicate<String> names =
                program ->
                        program.contains("/")
                                ? program.equals(file)
                                : program.equals(fileName) || shortened(program).equals(command);
        return rule.programs().stream().anyMatch(names);
    }

    private static String shortened(String program) {
        return program.substring(0, Math.min(program.length(), LONGEST_NAME));
    }

    private boolean isInside(ProcessMemory process) {
        for (String line : process.lines("cgroup")) {
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
