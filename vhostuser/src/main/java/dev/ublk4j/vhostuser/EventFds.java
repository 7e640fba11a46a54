package dev.ublk4j.vhostuser;

import dev.ublk4j.linux.Fd;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.linux.call.Syscall;
import dev.ublk4j.vhostuser.blk.CallEnd;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Descriptors with which a client kicks and is called: event counters, or sockets to be called by,
 * and nothing else.
 */
final class EventFds {
    private static final String EVENT_COUNTER = "anon_inode:[eventfd]";
    private static final String SOCKET = "socket:[";
    private static final int F_GETFL = 3;
    private static final int F_SETFL = 4;
    private static final int O_NONBLOCK = 0x800;

    private EventFds() {}

    /**
     * Insists that a descriptor is an event counter.
     *
     * @throws ProtocolException when it is something else
     */
    static void checkKick(Fd fd) {
        String kind = kind(fd);
        if (!kind.equals(EVENT_COUNTER)) {
            throw new ProtocolException("a kick descriptor that is %s".formatted(kind));
        }
    }

    /**
     * {@return what to call a client with, which owns the descriptor} A call with it never waits.
     *
     * @throws ProtocolException when it is neither an event counter nor a socket
     */
    static CallEnd call(Fd fd) {
        String kind = kind(fd);
        // User-mode Linux cannot be woken by a counter, and has a pair of sockets.
        boolean isSocket = kind.startsWith(SOCKET);
        if (!isSocket && !kind.equals(EVENT_COUNTER)) {
            throw new ProtocolException("a call descriptor that is %s".formatted(kind));
        }
        if (!isSocket) {
            makeNonBlocking(fd);
        }
        return new CallEnd(fd, isSocket);
    }

    private static String kind(Fd fd) {
        try {
            return Files.readSymbolicLink(Path.of("/proc/self/fd/" + fd.number())).toString();
        } catch (IOException e) {
            throw new ProtocolException("a descriptor that cannot be examined", e);
        }
    }

    private static void makeNonBlocking(Fd fd) {
        long flags = Syscall.call(Syscall.Call.FCNTL, fd.number(), F_GETFL, 0);
        LinuxException.check("fcntl(F_GETFL)", fd.name(), flags);
        LinuxException.check(
                "fcntl(F_SETFL)",
                fd.name(),
                Syscall.call(Syscall.Call.FCNTL, fd.number(), F_SETFL, flags | O_NONBLOCK));
    }
}
