package dev.ublk4j.linux.socket;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.Fd;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.linux.Poll;
import dev.ublk4j.linux.call.Syscall;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * A stream socket whose descriptor is known, so that an io_uring can work on it.
 *
 * <p>Calls that wait hold up their thread, a virtual thread's carrier included.
 */
public final class Socket implements Acceptor<Socket>, AutoCloseable {
    private static final int SOCK_STREAM = 1;
    private static final int SOCK_NONBLOCK = 0x800;
    private static final int SOCK_CLOEXEC = 0x80000;
    private static final int SOL_SOCKET = 1;
    private static final int SO_REUSEADDR = 2;
    private static final int SO_RCVTIMEO = 20;
    private static final int SO_SNDTIMEO = 21;
    private static final int SO_KEEPALIVE = 9;
    private static final int IPPROTO_TCP = 6;
    private static final int TCP_NODELAY = 1;
    private static final int TCP_KEEPIDLE = 4;
    private static final int TCP_KEEPINTVL = 5;
    private static final int TCP_KEEPCNT = 6;
    private static final int TCP_USER_TIMEOUT = 18;
    private static final int SHUT_RDWR = 2;
    private static final int BACKLOG = 128;
    private static final int MICROS = 1_000_000;

    private final Fd fd;

    /** Of a listening UNIX socket, with its descriptor. */
    private final @Nullable UnixListener listener;

    /** How many clients have been let in. */
    private final AtomicInteger accepted = new AtomicInteger();

    private Socket(Fd fd, @Nullable UnixListener listener) {
        this.fd = fd;
        this.listener = listener;
    }

    /**
     * Listens on a UNIX socket, as a {@link UnixListener} does, for whom the process's file mode
     * creation mask lets connect.
     *
     * @throws LinuxException {@code EADDRINUSE} where somebody listens, or something is that is no
     *     socket
     */
    public static Socket listen(Path path) {
        UnixListener listener = UnixListener.open(path, BACKLOG);
        return new Socket(listener.fd(), listener);
    }

    /**
     * Listens on TCP.
     *
     * @param address resolved; port 0 for any that is free
     * @throws LinuxException {@code EADDRINUSE} or {@code EADDRNOTAVAIL} when it cannot be had
     */
    public static Socket listen(InetSocketAddress address) {
        Fd fd = create(SocketAddresses.family(address), address.toString());
        try (Arena arena = Arena.ofConfined()) {
            set(fd, SOL_SOCKET, SO_REUSEADDR, SocketAddresses.pointerTo(1, arena));
            listen(fd, SocketAddresses.of(address, arena));
            return new Socket(fd, null);
        } catch (Throwable e) {
            fd.close();
            throw e;
        }
    }

    /**
     * Takes over a socket that listens already, of UNIX or TCP, which whoever started this process
     * has passed to it. Whoever else has it keeps it, and a UNIX socket's file stays.
     *
     * @param number the descriptor; belongs to the socket from now on, unless this fails
     * @throws LinuxException {@code EBADF} where there is none, {@code ENOTSOCK} where it is no
     *     socket, {@code EINVAL} where it does not listen
     */
    public static Socket inherited(int number) {
        return new Socket(Inherited.listening(number), null);
    }

    private static Fd create(int family, String name) {
        long answer =
                Syscall.call(
                        Syscall.Call.SOCKET, family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        return Fd.own((int) LinuxException.check("socket", name, answer), name);
    }

    private static void listen(Fd fd, MemorySegment address) {
        LinuxException.check(
                "bind",
                fd.name(),
                Syscall.call(
                        Syscall.Call.BIND, fd.number(), address.address(), address.byteSize()));
        LinuxException.check(
                "listen", fd.name(), Syscall.call(Syscall.Call.LISTEN, fd.number(), BACKLOG, 0));
    }

    /**
     * Connects to a server on TCP.
     *
     * @param address resolved
     * @param patience how long to wait for it
     * @throws LinuxException {@code ECONNREFUSED} where nobody listens, {@code EINPROGRESS} when it
     *     takes too long, and others
     */
    public static Socket connect(InetSocketAddress address, Duration patience) {
        try (Arena arena = Arena.ofConfined()) {
            return connect(
                    SocketAddresses.family(address),
                    SocketAddresses.of(address, arena),
                    address.toString(),
                    patience);
        }
    }

    /**
     * Connects to a server on a UNIX socket.
     *
     * @param patience how long to wait for it
     * @throws LinuxException {@code ECONNREFUSED} where nobody listens, {@code EAGAIN} when it
     *     takes too long, and others
     * @throws IllegalArgumentException for a path that is too long for a socket
     */
    public static Socket connect(Path path, Duration patience) {
        try (Arena arena = Arena.ofConfined()) {
            return connect(
                    SocketAddresses.AF_UNIX,
                    SocketAddresses.of(path, arena),
                    path.toString(),
                    patience);
        }
    }

    private static Socket connect(
            int family, MemorySegment address, String name, Duration patience) {
        long answer = Syscall.call(Syscall.Call.SOCKET, family, SOCK_STREAM | SOCK_CLOEXEC, 0);
        Fd fd = Fd.own((int) LinuxException.check("socket", name, answer), name);
        Socket socket = new Socket(fd, null);
        try {
            socket.setPatience(patience);
            LinuxException.check(
                    "connect",
                    name,
                    Syscall.call(
                            Syscall.Call.CONNECT,
                            fd.number(),
                            address.address(),
                            address.byteSize()));
            return socket;
        } catch (Throwable e) {
            socket.close();
            throw e;
        }
    }

    /** {@return two UNIX sockets that are connected to each other} */
    public static Socket[] pair() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment numbers = arena.allocate(JAVA_INT, 2);
            LinuxException.check(
                    "socketpair",
                    "",
                    Syscall.call(
                            Syscall.Call.SOCKETPAIR,
                            SocketAddresses.AF_UNIX,
                            SOCK_STREAM | SOCK_CLOEXEC,
                            0,
                            numbers.address()));
            return new Socket[] {
                new Socket(Fd.own(numbers.getAtIndex(JAVA_INT, 0), "socket pair"), null),
                new Socket(Fd.own(numbers.getAtIndex(JAVA_INT, 1), "socket pair"), null)
            };
        }
    }

    /**
     * Takes in a client of a listening socket, or null when there is none; calls on it wait.
     *
     * @throws LinuxException {@code EMFILE} when the process has too many descriptors
     */
    @Override
    public @Nullable Socket acceptOrNull() {
        long answer;
        do {
            answer = Syscall.call(Syscall.Call.ACCEPT4, fd.number(), 0, 0, SOCK_CLOEXEC);
        } while (answer == Errno.EINTR.negated());
        if (answer == Errno.EAGAIN.negated()
                || answer == Errno.ECONNABORTED.negated()
                || answer == Errno.EPROTO.negated()) {
            // Who has hung up before being let in is no failure of this socket.
            return null;
        }
        String name = "client %d of %s".formatted(accepted.getAndIncrement(), this);
        return new Socket(
                Fd.own((int) LinuxException.check("accept4", fd.name(), answer), name), null);
    }

    /** {@return the port of a TCP socket} */
    public int port() {
        try (Arena arena = Arena.ofConfined()) {
            return SocketAddresses.port(SocketAddresses.ofSocket(fd, arena));
        }
    }

    /** {@return where a TCP socket listens, or null where this is none of TCP} */
    public @Nullable InetSocketAddress addressOrNull() {
        try (Arena arena = Arena.ofConfined()) {
            return SocketAddresses.internetOrNull(SocketAddresses.ofSocket(fd, arena));
        }
    }

    /**
     * {@return the path at which a UNIX socket listens, or null where this is none, or one in no
     * file system}
     */
    public @Nullable Path pathOrNull() {
        try (Arena arena = Arena.ofConfined()) {
            return SocketAddresses.pathOrNull(SocketAddresses.ofSocket(fd, arena));
        }
    }

    /** Has small pieces sent at once. Does nothing where the socket is none of TCP. */
    public void sendAtOnce() {
        trySet(IPPROTO_TCP, TCP_NODELAY, 1);
    }

    /**
     * Has the kernel ask a silent other side now and then whether it is still there, so that the
     * socket fails with {@code ETIMEDOUT} when its machine or the way to it has gone. Does nothing
     * where the socket is none of TCP: the kernel sees the end of a UNIX socket.
     *
     * @param silence how long the other side may keep silent before it is asked, whole seconds, at
     *     least 1
     * @param interval between further questions, whole seconds, at least 1
     * @param count how many probes may go without a reply
     */
    public void keepAlive(Duration silence, Duration interval, int count) {
        trySet(SOL_SOCKET, SO_KEEPALIVE, 1);
        trySet(IPPROTO_TCP, TCP_KEEPIDLE, (int) silence.toSeconds());
        trySet(IPPROTO_TCP, TCP_KEEPINTVL, (int) interval.toSeconds());
        trySet(IPPROTO_TCP, TCP_KEEPCNT, count);
        // Without it, what has been sent and not acknowledged is sent again for a quarter of an
        // hour, and nobody is asked meanwhile.
        long patience = silence.plus(interval.multipliedBy(count)).toMillis();
        trySet(IPPROTO_TCP, TCP_USER_TIMEOUT, (int) patience);
    }

    private void trySet(int level, int option, int value) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment pointer = SocketAddresses.pointerTo(value, arena);
            long _ =
                    Syscall.call(
                            Syscall.Call.SETSOCKOPT,
                            fd.number(),
                            level,
                            option,
                            pointer.address(),
                            pointer.byteSize(),
                            0);
        }
    }

    /**
     * Bounds how long {@link #read} and {@link #write} wait; they return {@code EAGAIN} then.
     *
     * @param patience zero for no bound
     */
    public void setPatience(Duration patience) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment time = arena.allocate(JAVA_LONG, 2);
            time.setAtIndex(JAVA_LONG, 0, patience.toSeconds());
            time.setAtIndex(JAVA_LONG, 1, patience.toNanosPart() / 1000 % MICROS);
            set(fd, SOL_SOCKET, SO_RCVTIMEO, time);
            set(fd, SOL_SOCKET, SO_SNDTIMEO, time);
        }
    }

    private static void set(Fd fd, int level, int option, MemorySegment value) {
        LinuxException.check(
                "setsockopt",
                fd.name(),
                Syscall.call(
                        Syscall.Call.SETSOCKOPT,
                        fd.number(),
                        level,
                        option,
                        value.address(),
                        value.byteSize(),
                        0));
    }

    /** {@return bytes read, 0 when the other side has closed, or a negative errno} */
    public int read(MemorySegment destination) {
        return transfer(Syscall.Call.READ, destination);
    }

    /** {@return bytes written, or a negative errno} */
    public int write(MemorySegment source) {
        return transfer(Syscall.Call.WRITE, source);
    }

    private int transfer(Syscall.Call call, MemorySegment memory) {
        long answer;
        do {
            answer = Syscall.call(call, fd.number(), memory.address(), memory.byteSize());
        } while (answer == Errno.EINTR.negated());
        return (int) answer;
    }

    /**
     * Ends both directions, which wakes whoever waits for one of them; from any thread. Does
     * nothing to a socket that is closed.
     */
    public synchronized void shutdown() {
        if (!fd.isClosed()) {
            try {
                if (listener != null) {
                    // Nobody listens after this, which gives the place to others.
                    listener.remove();
                }
            } finally {
                // That it has ended already is as good.
                long _ = Syscall.call(Syscall.Call.SHUTDOWN, fd.number(), SHUT_RDWR, 0);
            }
        }
    }

    /** {@return whether the other side has said that it sends no more, or has gone} */
    public boolean hasHungUp() {
        try (Poll poll = new Poll(fd)) {
            poll.watch(0, Poll.POLLRDHUP);
            return poll.await(Duration.ZERO);
        }
    }

    @Override
    public Fd fd() {
        return fd;
    }

    /** Closes the descriptor; a second call does nothing. */
    @Override
    public synchronized void close() {
        if (listener != null) {
            listener.close();
        } else {
            fd.close();
        }
    }

    @Override
    public String toString() {
        return fd.name();
    }
}
