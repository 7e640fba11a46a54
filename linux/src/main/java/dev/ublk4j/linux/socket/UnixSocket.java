package dev.ublk4j.linux.socket;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.Fd;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.linux.Peer;
import dev.ublk4j.linux.Poll;
import dev.ublk4j.linux.call.FileName;
import dev.ublk4j.linux.call.Syscall;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A stream socket between processes of one machine, which carries descriptors as well as bytes
 * ({@code unix(7)}).
 *
 * <p>Nothing here waits, except {@link #connect}: wait with a {@link Poll} on {@link #fd}.
 */
public final class UnixSocket implements AutoCloseable {
    /** The longest path that an address holds. */
    public static final int MAX_PATH_BYTES = 107;

    private static final int AF_UNIX = 1;
    private static final int SOCK_STREAM = 1;
    private static final int SOCK_DGRAM = 2;
    private static final int SOCK_NONBLOCK = 0x800;
    private static final int SOCK_CLOEXEC = 0x80000;

    private static final int MSG_DONTWAIT = 0x40;
    private static final int MSG_NOSIGNAL = 0x4000;
    private static final int MSG_CMSG_CLOEXEC = 0x4000_0000;

    private static final int SOL_SOCKET = 1;
    private static final int SO_PEERCRED = 17;
    private static final int SO_SNDTIMEO = 21;
    private static final int SO_PEERPIDFD = 77;
    private static final int SHUT_WR = 1;

    private static final int UCRED_BYTES = 12;
    private static final int ADDRESS_BYTES = 2 + MAX_PATH_BYTES + 1;

    private final Fd fd;

    private UnixSocket(Fd fd) {
        this.fd = fd;
    }

    /**
     * What has been received.
     *
     * @param answer bytes, 0 at the end of the stream, or a negative errno
     * @param descriptors what came with them; the receiver must close each
     * @param truncated whether more descriptors came than were taken
     */
    public record Received(long answer, List<Fd> descriptors, boolean truncated) {}

    /**
     * Connects to a socket.
     *
     * @param timeout how long to wait for a server that is busy
     * @throws LinuxException when it cannot be done; {@link Errno#ECONNREFUSED} when nobody
     *     listens, {@link Errno#EAGAIN} when the time is over
     */
    public static UnixSocket connect(Path path, Duration timeout) {
        UnixSocket socket = create(path, false);
        return socket.owned(() -> {
            socket.limitWaits(timeout);
            socket.address(Syscall.Call.CONNECT, "connect", path.toString(), false);
        });
    }

    /**
     * Makes two sockets that are connected to each other.
     *
     * @throws LinuxException when the kernel refuses
     */
    public static List<UnixSocket> pair() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment numbers = arena.allocate(JAVA_INT, 2);
            LinuxException.check(
                    "socketpair",
                    "",
                    Syscall.call(
                            Syscall.Call.SOCKETPAIR,
                            AF_UNIX,
                            SOCK_STREAM | SOCK_CLOEXEC,
                            0,
                            numbers.address()));
            return List.of(
                    new UnixSocket(Fd.own(numbers.get(JAVA_INT, 0), "socket")),
                    new UnixSocket(Fd.own(numbers.get(JAVA_INT, Integer.BYTES), "socket")));
        }
    }

    /**
     * Connects to a socket that takes datagrams, each sent whole or not at all.
     *
     * @param address a path, or {@code @} and a name that is in no file system
     * @throws LinuxException when it cannot be done
     */
    public static UnixSocket notifier(String address) {
        UnixSocket socket = create(address, SOCK_DGRAM);
        boolean inNoFileSystem = address.startsWith("@");
        return socket.owned(
                () -> socket.address(Syscall.Call.CONNECT, "connect", address, inNoFileSystem));
    }

    /**
     * {@return the socket that a descriptor is} Calls answer {@code ENOTSOCK} where it is none.
     *
     * @param fd belongs to the socket from now on
     */
    public static UnixSocket of(Fd fd) {
        return new UnixSocket(fd);
    }

    /** {@return a socket that is not connected} */
    static UnixSocket create(Path path, boolean nonBlocking) {
        return create(path.toString(), SOCK_STREAM | (nonBlocking ? SOCK_NONBLOCK : 0));
    }

    /**
     * {@return the error of connecting to the socket that a descriptor names, null when somebody
     * listens}
     */
    static @Nullable Errno probe(Fd file) {
        Path path = Path.of("/proc/self/fd/" + file.number());
        try (UnixSocket socket = create(path, true)) {
            socket.address(Syscall.Call.CONNECT, "connect", path.toString(), false);
            return null;
        } catch (LinuxException e) {
            return e.errno();
        }
    }

    private static UnixSocket create(String name, int type) {
        long answer = Syscall.call(Syscall.Call.SOCKET, AF_UNIX, type | SOCK_CLOEXEC, 0);
        return new UnixSocket(Fd.own((int) LinuxException.check("socket", name, answer), name));
    }

    private UnixSocket owned(Runnable first) {
        try {
            first.run();
            return this;
        } catch (Throwable e) {
            close();
            throw e;
        }
    }

    /** Gives the socket its name in the file system. */
    void bind(Path path) {
        address(Syscall.Call.BIND, "bind", path.toString(), false);
    }

    /**
     * Insists that a path fits into an address.
     *
     * @throws LinuxException {@link Errno#ENAMETOOLONG}
     */
    static void requireFits(String call, String path) {
        if (FileName.bytes(path).length > MAX_PATH_BYTES) {
            String detail = "a socket's path has at most %d bytes".formatted(MAX_PATH_BYTES);
            throw new LinuxException(call, path, Errno.ENAMETOOLONG.negated(), detail);
        }
    }

    private void address(Syscall.Call call, String name, String path, boolean inNoFileSystem) {
        requireFits(name, path);
        byte[] bytes = FileName.bytes(path);
        if (inNoFileSystem) {
            bytes[0] = 0;
        }
        // Of a name that is in no file system every byte counts, the zeroes behind it included.
        long length = inNoFileSystem ? Short.BYTES + bytes.length : ADDRESS_BYTES;
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment address = arena.allocate(ADDRESS_BYTES, Long.BYTES);
            address.set(JAVA_SHORT, 0, (short) AF_UNIX);
            MemorySegment.copy(bytes, 0, address, JAVA_BYTE, Short.BYTES, bytes.length);
            long answer;
            do {
                answer = Syscall.call(call, fd.number(), address.address(), length);
            } while (answer == Errno.EINTR.negated());
            LinuxException.check(name, path, answer);
        }
    }

    private void limitWaits(Duration timeout) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment time = arena.allocate(JAVA_LONG, 2);
            time.set(JAVA_LONG, 0, timeout.toSeconds());
            time.set(JAVA_LONG, Long.BYTES, timeout.toNanosPart() / 1000);
            LinuxException.check(
                    "setsockopt(SO_SNDTIMEO)",
                    fd.name(),
                    Syscall.call(
                            Syscall.Call.SETSOCKOPT,
                            fd.number(),
                            SOL_SOCKET,
                            SO_SNDTIMEO,
                            time.address(),
                            time.byteSize(),
                            0));
        }
    }

    /**
     * Lets others connect.
     *
     * @param backlog how many may wait to be accepted
     * @throws LinuxException when the kernel refuses
     */
    void listen(int backlog) {
        LinuxException.check(
                "listen", fd.name(), Syscall.call(Syscall.Call.LISTEN, fd.number(), backlog, 0));
    }

    /**
     * Takes in one who has connected, or null when nobody has.
     *
     * @throws LinuxException when the kernel refuses; {@link Errno#EMFILE} when no descriptor is
     *     left
     */
    @Nullable UnixSocket acceptOrNull() {
        long answer;
        do {
            answer = Syscall.call(Syscall.Call.ACCEPT4, fd.number(), 0, 0, SOCK_CLOEXEC);
            // Who has hung up before being accepted is no failure of this socket.
        } while (answer == Errno.EINTR.negated() || answer == Errno.ECONNABORTED.negated());
        if (answer == Errno.EAGAIN.negated()) {
            return null;
        }
        int number = (int) LinuxException.check("accept4", fd.name(), answer);
        return new UnixSocket(Fd.own(number, "connection to " + fd.name()));
    }

    /**
     * {@return who is at the other end}
     *
     * @throws LinuxException when the kernel refuses
     */
    public Peer peer() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment credentials = arena.allocate(UCRED_BYTES, Integer.BYTES);
            option(SO_PEERCRED, "getsockopt(SO_PEERCRED)", credentials);
            return new Peer(
                    credentials.get(JAVA_INT, 0),
                    credentials.get(JAVA_INT, 4),
                    credentials.get(JAVA_INT, 8));
        }
    }

    /**
     * {@return a descriptor of the process at the other end, which can be read once the process has
     * ended, and which the caller must close}
     *
     * @throws LinuxException when there is none: {@link Errno#ESRCH} when the process has ended
     */
    public Fd peerProcess() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment number = arena.allocate(JAVA_INT);
            try {
                option(SO_PEERPIDFD, "getsockopt(SO_PEERPIDFD)", number);
                return Fd.own(number.get(JAVA_INT, 0), "process of " + fd.name());
            } catch (LinuxException e) {
                // Before Linux 6.5 a process can only be opened by its number.
                if (e.errno() != Errno.ENOPROTOOPT) {
                    throw e;
                }
                int pid = peer().pid();
                long answer = Syscall.call(Syscall.Call.PIDFD_OPEN, pid, 0, 0);
                String object = "process " + pid;
                return Fd.own((int) LinuxException.check("pidfd_open", object, answer), object);
            }
        }
    }

    private void option(int option, String call, MemorySegment value) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment length = arena.allocateFrom(JAVA_INT, (int) value.byteSize());
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
        }
    }

    /**
     * Sends bytes, and descriptors with the first of them.
     *
     * @param descriptors the other end gets copies; these stay the caller's
     * @return how many bytes were sent, or a negative errno: {@link Errno#EAGAIN} when there is no
     *     room, {@link Errno#EPIPE} when the other end is closed
     */
    public long send(MemorySegment data, Fd... descriptors) {
        try (Arena arena = Arena.ofConfined()) {
            SocketMessage message = new SocketMessage(arena, data, descriptors.length);
            if (descriptors.length > 0) {
                message.put(descriptors);
            }
            return transfer(Syscall.Call.SENDMSG, message, MSG_DONTWAIT | MSG_NOSIGNAL);
        }
    }

    /**
     * Receives bytes, no more than up to the next ones that have descriptors with them.
     *
     * @param data where they go
     * @param most how many descriptors to take; more are closed
     * @return what came; {@link Errno#EAGAIN} when nothing has
     */
    public Received receive(MemorySegment data, int most) {
        try (Arena arena = Arena.ofConfined()) {
            SocketMessage message = new SocketMessage(arena, data, most);
            long answer = transfer(Syscall.Call.RECVMSG, message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
            return answer < 0
                    ? new Received(answer, List.of(), false)
                    : new Received(answer, message.take(), message.isTruncated());
        }
    }

    private long transfer(Syscall.Call call, SocketMessage message, int flags) {
        long answer;
        do {
            answer = Syscall.call(call, fd.number(), message.address(), flags);
        } while (answer == Errno.EINTR.negated());
        return answer;
    }

    /** Tells the other end that nothing more will be sent; receiving goes on. */
    public void endOutput() {
        long answer = Syscall.call(Syscall.Call.SHUTDOWN, fd.number(), SHUT_WR, 0);
        if (answer != Errno.ENOTCONN.negated()) {
            LinuxException.check("shutdown", fd.name(), answer);
        }
    }

    /** {@return the descriptor, to poll; it stays owned by this object} */
    public Fd fd() {
        return fd;
    }

    @Override
    public void close() {
        fd.close();
    }

    @Override
    public String toString() {
        return "socket " + fd;
    }
}
