package dev.ublk4j.linux.socket;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.Fd;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.linux.call.Syscall;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** Sockets that whoever started this process has made for it. */
final class Inherited {
    private static final int SOL_SOCKET = 1;
    private static final int SO_TYPE = 3;
    private static final int SO_ACCEPTCONN = 30;
    private static final int SO_DOMAIN = 39;
    private static final int SOCK_STREAM = 1;
    private static final int F_SETFD = 2;
    private static final int F_GETFL = 3;
    private static final int F_SETFL = 4;
    private static final int FD_CLOEXEC = 1;
    private static final int O_NONBLOCK = 0x800;

    private Inherited() {}

    /**
     * Takes over a stream socket that listens, of UNIX or TCP. It is not passed on to other
     * programs, and calls on it do not wait, for whoever else has it, too.
     *
     * @throws LinuxException {@code EBADF} where there is no such descriptor, {@code ENOTSOCK}
     *     where it is no socket, {@code EINVAL} where it is another than that; it stays open
     */
    static Fd listening(int number) {
        Fd fd = Fd.own(number, "descriptor " + number);
        int domain = option(fd, SO_DOMAIN, "getsockopt(SO_DOMAIN)");
        boolean isFit =
                (domain == SocketAddresses.AF_UNIX
                                || domain == SocketAddresses.AF_INET
                                || domain == SocketAddresses.AF_INET6)
                        && option(fd, SO_TYPE, "getsockopt(SO_TYPE)") == SOCK_STREAM
                        && option(fd, SO_ACCEPTCONN, "getsockopt(SO_ACCEPTCONN)") != 0;
        if (!isFit) {
            throw new LinuxException(
                    "accept", fd.name(), Errno.EINVAL.negated(), "not a listening stream socket");
        }
        long _ = control(fd, F_SETFD, FD_CLOEXEC, "fcntl(F_SETFD)");
        long flags = control(fd, F_GETFL, 0, "fcntl(F_GETFL)");
        long _ = control(fd, F_SETFL, flags | O_NONBLOCK, "fcntl(F_SETFL)");
        return fd;
    }

    private static int option(Fd fd, int option, String call) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment value = arena.allocate(JAVA_INT);
            MemorySegment length = SocketAddresses.pointerTo(Integer.BYTES, arena);
            LinuxException.check(
                    call,
                    fd.name(),
                    Syscall.call(
                            Syscall.Call.GETSOCKOPT,
                            fd.number(),
                            SOL_SOCKET,
                            option,
                            value.address(),
                            length.address(),
                            0));
            return value.get(JAVA_INT, 0);
        }
    }

    private static long control(Fd fd, int command, long argument, String call) {
        return LinuxException.check(
                call, fd.name(), Syscall.call(Syscall.Call.FCNTL, fd.number(), command, argument));
    }
}
