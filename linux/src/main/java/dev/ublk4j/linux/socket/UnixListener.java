package dev.ublk4j.linux.socket;

import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.Fd;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.linux.Poll;
import dev.ublk4j.linux.call.FileName;
import dev.ublk4j.linux.call.Syscall;
import dev.ublk4j.linux.internal.FileStatus;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * A stream socket at which others connect, and its place in the file system.
 *
 * <p>It takes the place of nothing but a socket that nobody listens at, as a process that was
 * killed leaves it; links are not followed. Of several processes that begin at the same place at
 * once, one listens and the others are refused. What {@link #close} removes is what this has made.
 *
 * <p>Nothing here waits for clients: wait with a {@link Poll} on {@link #fd}. Any thread.
 */
public final class UnixListener implements Acceptor<UnixSocket>, AutoCloseable {
    /** Permissions as the process's file mode creation mask leaves them. */
    private static final int MASKED = -1;

    private static final int NO_OWNER = -1;

    private static final int AT_FDCWD = -100;
    private static final int AT_EMPTY_PATH = 0x1000;

    private final Path path;
    private final UnixSocket socket;

    /** Null where another process has made it. */
    private final @Nullable FileStatus made;

    private UnixListener(Path path, UnixSocket socket, @Nullable FileStatus made) {
        this.path = path;
        this.socket = socket;
        this.made = made;
    }

    /**
     * Begins to listen, for whom the process's file mode creation mask ({@code umask}) lets
     * connect.
     *
     * @param path where the socket is made
     * @param backlog how many may wait to be accepted
     * @throws LinuxException {@link Errno#EADDRINUSE} where somebody listens, or something is that
     *     is no socket; {@link Errno#ENAMETOOLONG} when the path is longer than {@link
     *     UnixSocket#MAX_PATH_BYTES}; another when the kernel refuses
     */
    public static UnixListener open(Path path, int backlog) {
        return open(path, backlog, MASKED, NO_OWNER);
    }

    /**
     * Begins to listen; see {@link #open(Path, int)}. There is no moment at which others than these
     * can connect.
     *
     * @param permissions the socket's permission bits: who may write to it may connect
     */
    public static UnixListener open(Path path, int backlog, int permissions) {
        return open(path, backlog, permissions, NO_OWNER);
    }

    /**
     * Begins to listen; see {@link #open(Path, int, int)}.
     *
     * @param owner the user that the socket is given to
     */
    public static UnixListener open(Path path, int backlog, int permissions, int owner) {
        UnixSocket socket = UnixSocket.create(path, true);
        try (FolderLock _ = lock(path)) {
            if (isAbandoned(path)) {
                unlink(path);
            }
            if (permissions != MASKED) {
                // The file is created with these, less what the mask takes away.
                change(
                        "fchmod",
                        path,
                        Syscall.call(Syscall.Call.FCHMOD, socket.fd().number(), permissions, 0));
            }
            bind(socket, path);
            return listen(path, socket, backlog, permissions, owner);
        } catch (Throwable e) {
            socket.close();
            throw e;
        }
    }

    /**
     * Takes over a UNIX socket that listens already, which whoever started this process has passed
     * to it. Whoever else has it keeps it, and its file stays.
     *
     * @param number the descriptor; belongs to the listener from now on, unless this fails
     * @throws LinuxException {@code EBADF} where there is none, {@code ENOTSOCK} where it is no
     *     socket, {@code EINVAL} where it is no listening UNIX socket
     */
    public static UnixListener inherited(int number) {
        Fd fd = Inherited.listening(number);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment address = SocketAddresses.ofSocket(fd, arena);
            if (SocketAddresses.internetOrNull(address) != null) {
                throw new LinuxException(
                        "accept", fd.name(), Errno.EINVAL.negated(), "not a UNIX socket");
            }
            Path path = SocketAddresses.pathOrNull(address);
            return new UnixListener(
                    path == null ? Path.of("/proc/self/fd/" + number) : path,
                    UnixSocket.of(fd),
                    null);
        }
    }

    private static FolderLock lock(Path path) {
        UnixSocket.requireFits("bind", path.toString());
        Path parent = path.toAbsolutePath().getParent();
        if (parent == null || path.toString().isEmpty()) {
            throw new LinuxException(
                    "bind", path.toString(), Errno.EINVAL.negated(), "no name for a socket");
        }
        try {
            return FolderLock.take(parent);
        } catch (LinuxException e) {
            String detail = "%s cannot be used as its folder".formatted(parent);
            throw new LinuxException("bind", path.toString(), -e.number(), detail);
        }
    }

    /**
     * {@return whether there is a socket that nobody listens at, rather than nothing}
     *
     * @throws LinuxException {@code EADDRINUSE} where there is something else
     */
    private static boolean isAbandoned(Path path) {
        try (Fd file = nameOrNull(path)) {
            if (file == null) {
                return false;
            }
            FileStatus status = FileStatus.of(file);
            if (!status.isSocket()) {
                throw taken(path, status.kind() + " is there; it is left alone");
            }
            Errno answer = UnixSocket.probe(file);
            if (answer != Errno.ECONNREFUSED) {
                throw taken(
                        path,
                        answer == Errno.EACCES
                                ? "another user's socket is there"
                                : "another process listens there");
            }
            return true;
        }
    }

    private static void bind(UnixSocket socket, Path path) {
        try {
            socket.bind(path);
        } catch (LinuxException e) {
            throw e.errno() == Errno.EADDRINUSE ? taken(path, "another file appeared there") : e;
        }
    }

    private static LinuxException taken(Path path, String detail) {
        return new LinuxException("bind", path.toString(), Errno.EADDRINUSE.negated(), detail);
    }

    private static UnixListener listen(
            Path path, UnixSocket socket, int backlog, int permissions, int owner) {
        try (Fd file = nameOrNull(path)) {
            FileStatus made = file == null ? null : FileStatus.of(file);
            if (file == null || made == null || !made.isSocket()) {
                throw taken(path, "another file appeared there");
            }
            UnixListener listener = new UnixListener(path, socket, made);
            try {
                // Nobody can connect before it listens.
                if (permissions != MASKED && made.permissions() != permissions) {
                    setPermissions(path, file, permissions);
                }
                if (owner != NO_OWNER) {
                    setOwner(path, file, owner);
                }
                socket.listen(backlog);
                return listener;
            } catch (Throwable e) {
                listener.close();
                throw e;
            }
        }
    }

    /** By the descriptor, so that a link that was put in its place changes nothing else. */
    private static void setPermissions(Path path, Fd file, int permissions) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment name = arena.allocateFrom("/proc/self/fd/" + file.number());
            change(
                    "fchmodat",
                    path,
                    Syscall.call(Syscall.Call.FCHMODAT, AT_FDCWD, name.address(), permissions));
        }
    }

    private static void setOwner(Path path, Fd file, int owner) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment none = arena.allocateFrom("");
            change(
                    "fchownat",
                    path,
                    Syscall.call(
                            Syscall.Call.FCHOWNAT,
                            file.number(),
                            none.address(),
                            owner,
                            NO_OWNER,
                            AT_EMPTY_PATH,
                            0));
        }
    }

    private static void change(String call, Path path, long answer) {
        LinuxException.check(call, path.toString(), answer);
    }

    private static @Nullable Fd nameOrNull(Path path) {
        try {
            return Fd.open(path, Fd.O_PATH | Fd.O_NOFOLLOW);
        } catch (LinuxException e) {
            if (e.errno() == Errno.ENOENT) {
                return null;
            }
            throw e;
        }
    }

    private static void unlink(Path path) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment name =
                    arena.allocateFrom(ValueLayout.JAVA_BYTE, FileName.terminated(path.toString()));
            long answer = Syscall.call(Syscall.Call.UNLINKAT, AT_FDCWD, name.address(), 0);
            if (answer != Errno.ENOENT.negated()) {
                LinuxException.check("unlink", path.toString(), answer);
            }
        }
    }

    /**
     * Removes a socket that nobody listens at. Whatever else is there, or nothing, stays as it is.
     *
     * @throws LinuxException when the kernel refuses
     */
    public static void removeAbandoned(Path path) {
        if (!isSocket(path)) {
            return;
        }
        try (FolderLock _ = lock(path)) {
            if (isAbandoned(path)) {
                unlink(path);
            }
        } catch (LinuxException e) {
            if (e.errno() != Errno.EADDRINUSE) {
                throw e;
            }
        }
    }

    private static boolean isSocket(Path path) {
        try (Fd file = nameOrNull(path)) {
            return file != null && FileStatus.of(file).isSocket();
        }
    }

    @Override
    public @Nullable UnixSocket acceptOrNull() {
        return socket.acceptOrNull();
    }

    @Override
    public Fd fd() {
        return socket.fd();
    }

    /**
     * {@return where it listens; the descriptor's name in {@code /proc} where an inherited socket
     * is in no file system}
     */
    public Path path() {
        return path;
    }

    /**
     * Removes the file, if it is the one that this has made. It must listen still: nobody takes its
     * place as long as it does, so that what is removed is not another's.
     *
     * @throws LinuxException when the kernel refuses
     */
    void remove() {
        if (made == null) {
            return;
        }
        try (Fd file = nameOrNull(path)) {
            if (file != null && FileStatus.of(file).isSameFile(made)) {
                unlink(path);
            }
        }
    }

    /**
     * Removes the file, if it is the one that this has made, and stops listening. A second call
     * does nothing.
     *
     * @throws LinuxException when the file cannot be removed; nobody listens at it then
     */
    @Override
    public void close() {
        if (!fd().isClosed()) {
            try {
                remove();
            } finally {
                socket.close();
            }
        }
    }

    @Override
    public String toString() {
        return "socket " + path;
    }
}
