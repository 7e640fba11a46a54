package dev.ublk4j.vhostuser;

import dev.ublk4j.linux.Fd;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.linux.Syscall;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Descriptors with which a client kicks and is called: event counters, and nothing else. */
final class EventFds {
    private static final String EVENT_COUNTER = "anon_inode:[eventfd]";
    private static final int F_GETFL = 3;
    private static final int F_SETFL = 4;
    private static final int O_NONBLOCK = 0x800;

    private EventFds() {}

    /**
     * Insists that a descriptor is an event counter, and has a call with it never wait.
     *
     * @throws ProtocolException when it is something else
     */
    static void check(Fd fd) {
        Path link = Path.of("/proc/self/fd/" + fd.number());
        try {
            String target = Files.readSymbolicLink(link).toString();
            if (!target.equals(EVENT_COUNTER)) {
                throw new ProtocolException("a descriptor of %s to kick or call".formatted(target));
            }
        } catch (IOException e) {
            throw new ProtocolException("a descriptor that cannot be examined", e);
        }
        long flags = Syscall.call(Syscall.Call.FCNTL, fd.number(), F_GETFL, 0);
        LinuxException.check("fcntl(F_GETFL)", fd.name(), flags);
        LinuxException.check(
                "fcntl(F_SETFL)",
                fd.name(),
                Syscall.call(Syscall.Call.FCNTL, fd.number(), F_SETFL, flags | O_NONBLOCK));
    }
}
