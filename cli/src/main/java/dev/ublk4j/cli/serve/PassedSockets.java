package dev.ublk4j.cli.serve;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * The listening sockets that a service manager has passed to this process, as {@code
 * sd_listen_fds(3)} says: {@code LISTEN_FDS} of them from descriptor 3 on, where {@code LISTEN_PID}
 * is this process, and their names in {@code LISTEN_FDNAMES}.
 */
public final class PassedSockets {
    private static final int FIRST = 3;

    /** More than anybody passes, and few enough to be numbers of descriptors. */
    private static final int MOST = 1024;

    private final List<String> names;

    private PassedSockets(List<String> names) {
        this.names = names;
    }

    /** {@return those of this process} */
    public static PassedSockets ofProcess() {
        return of(System.getenv(), ProcessHandle.current().pid());
    }

    /**
     * {@return those that an environment tells a process of}
     *
     * @throws IllegalArgumentException when it makes no sense
     */
    static PassedSockets of(Map<String, String> environment, long pid) {
        String count = environment.get("LISTEN_FDS");
        String recipient = environment.get("LISTEN_PID");
        if (count == null || !Long.toString(pid).equals(recipient)) {
            return new PassedSockets(List.of());
        }
        String listed = environment.getOrDefault("LISTEN_FDNAMES", "");
        String[] given = listed.isEmpty() ? new String[0] : listed.split(":", -1);
        List<String> names = new ArrayList<>();
        for (int index = 0; index < count("LISTEN_FDS", count); index++) {
            names.add(index < given.length ? given[index] : "unknown");
        }
        return new PassedSockets(names);
    }

    private static int count(String variable, String text) {
        try {
            int count = Integer.parseInt(text);
            if (count >= 0 && count <= MOST) {
                return count;
            }
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException(variable + " is not a number: " + text, e);
        }
        throw new IllegalArgumentException(
                "%s is not between 0 and %d: %s".formatted(variable, MOST, text));
    }

    /** {@return the descriptors, in order} */
    public List<Integer> descriptors() {
        List<Integer> descriptors = new ArrayList<>();
        for (int index = 0; index < names.size(); index++) {
            descriptors.add(FIRST + index);
        }
        return descriptors;
    }

    /**
     * {@return the descriptor that a person means}
     *
     * @param text its number, or a name of {@code LISTEN_FDNAMES}
     * @throws IllegalArgumentException when there is none of that name, or more than one
     */
    public int descriptor(String text) {
        if (!text.isEmpty()
                && text.length() < 8
                && text.chars().allMatch(c -> c >= '0' && c <= '9')) {
            return Integer.parseInt(text);
        }
        int index = names.indexOf(text);
        if (index < 0 || index != names.lastIndexOf(text)) {
            throw new IllegalArgumentException(
                    (index < 0
                                            ? "no socket of the name '%s' was passed"
                                            : "several sockets of the name '%s' were passed")
                                    .formatted(text)
                            + " to this process (LISTEN_FDNAMES)");
        }
        return FIRST + index;
    }
}
