package dev.ublk4j.sharing.adopt;

import java.util.List;

/**
 * Memory that is adopted, and what would help where its requests are copied all the same.
 *
 * @param pid the process that it was taken from, which may have ended
 * @param name its program and what the kernel calls the memory
 * @param buffers how many buffers there are
 * @param bytes of those
 * @param pageSize bytes of the pages it is made of, transparent huge ones included
 * @param processes how many processes have it mapped, as far as they can be seen
 * @param direct files that these have open on the device with {@code O_DIRECT}
 * @param buffered files that they have open on it without
 * @param advice what would help, a line each
 */
public record AdoptedProgram(
        int pid,
        String name,
        int buffers,
        long bytes,
        long pageSize,
        int processes,
        int direct,
        int buffered,
        List<String> advice) {
    /** Copies the list. */
    public AdoptedProgram {
        advice = List.copyOf(advice);
    }
}
