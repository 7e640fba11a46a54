package dev.ublk4j.sharing;

import dev.ublk4j.handover.Exchange;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.linux.Syscall;
import dev.ublk4j.linux.UnixSocket;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;

/** The socket that applications connect to, and its place in the file system. */
final class SocketFile implements AutoCloseable {
    /** Who waits longer than this to be accepted is turned away by the kernel. */
    private static final int BACKLOG = 64;

    private static final Duration PROBE = Duration.ofSeconds(1);

    private static final String FOLDER_MODE = "rwxr-xr-x";
    private static final String OWNER_ONLY = "rw-------";
    private static final String EVERYBODY = "rw-rw-rw-";

    private final Path path;
    private final Object identity;
    private final UnixSocket socket;

    private SocketFile(Path path, UnixSocket socket) throws IOException {
        this.path = path;
        this.socket = socket;
        this.identity = identity(path);
    }

    /**
     * Makes the socket and its folder, in place of what a server that is gone has left.
     *
     * @throws LinuxException {@code EADDRINUSE} when another server listens there, or a file is
     *     there that is no socket
     * @throws UncheckedIOException when the folder or the file cannot be made as they should be
     */
    static SocketFile open(Path folder, int device, Access access) {
        Path path = Exchange.socketPath(folder, device);
        try {
            createFolder(folder);
            removeStale(path);
            UnixSocket socket = UnixSocket.bind(path);
            try {
                // Nobody can connect before it listens, so nobody slips in before this.
                restrict(path, access);
                socket.listen(BACKLOG);
                return new SocketFile(path, socket);
            } catch (IOException | RuntimeException e) {
                socket.close();
                Files.deleteIfExists(path);
                throw e;
            }
        } catch (IOException e) {
            throw new UncheckedIOException("cannot listen at " + path, e);
        }
    }

    private static void createFolder(Path folder) throws IOException {
        if (!Files.isDirectory(folder)) {
            Files.createDirectories(folder);
            Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString(FOLDER_MODE));
        }
    }

    private static void removeStale(Path path) throws IOException {
        if (!Files.exists(path, LinkOption.NOFOLLOW_LINKS)) {
            return;
        }
        boolean isSocket =
                Files.readAttributes(path, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS)
                        .isOther();
        if (!isSocket || somebodyListens(path)) {
            throw new LinuxException("bind", path.toString(), Errno.EADDRINUSE.negated());
        }
        Files.deleteIfExists(path);
    }

    private static boolean somebodyListens(Path path) {
        try {
            UnixSocket.connect(path, PROBE).close();
            return true;
        } catch (LinuxException e) {
            return switch (e.errno()) {
                case ECONNREFUSED, ENOENT -> false;
                case EAGAIN -> true;
                default -> throw e;
            };
        }
    }

    private static void restrict(Path path, Access access) throws IOException {
        String mode = access.admitsOthers() ? EVERYBODY : OWNER_ONLY;
        Files.setPosixFilePermissions(path, PosixFilePermissions.fromString(mode));
        int own = (int) Syscall.call(Syscall.Call.GETUID, 0, 0, 0);
        if (own == 0 && access.socketOwner() != own) {
            Files.setAttribute(path, "unix:uid", access.socketOwner(), LinkOption.NOFOLLOW_LINKS);
        }
    }

    private static Object identity(Path path) throws IOException {
        return Files.getAttribute(path, "unix:ino", LinkOption.NOFOLLOW_LINKS);
    }

    /** {@return the socket} */
    UnixSocket socket() {
        return socket;
    }

    /** {@return where it is} */
    Path path() {
        return path;
    }

    /** Stops listening, and removes the file if it is this one still. */
    @Override
    public void close() {
        socket.close();
        try {
            if (Files.exists(path, LinkOption.NOFOLLOW_LINKS) && identity(path).equals(identity)) {
                Files.deleteIfExists(path);
            }
        } catch (IOException e) {
            throw new UncheckedIOException("cannot remove " + path, e);
        }
    }
}
