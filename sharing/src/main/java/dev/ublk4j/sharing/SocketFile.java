package dev.ublk4j.sharing;

import dev.ublk4j.handover.Exchange;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.linux.call.Syscall;
import dev.ublk4j.linux.socket.UnixListener;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;

/** The socket that applications connect to. */
final class SocketFile {
    /** Who waits longer than this to be accepted is turned away by the kernel. */
    private static final int BACKLOG = 64;

    private static final String FOLDER_MODE = "rwxr-xr-x";
    private static final int OWNER_ONLY = 0600;
    private static final int EVERYBODY = 0666;

    private SocketFile() {}

    /**
     * Begins to listen, in a folder that is made where there is none.
     *
     * @throws LinuxException {@code EADDRINUSE} when another server listens there, or a file is
     *     there that is no socket
     * @throws UncheckedIOException when the folder cannot be made
     */
    static UnixListener open(Path folder, int device, Access access) {
        Path path = Exchange.socketPath(folder, device);
        createFolder(folder);
        int permissions = access.admitsOthers() ? EVERYBODY : OWNER_ONLY;
        int own = (int) Syscall.call(Syscall.Call.GETUID, 0, 0, 0);
        return own == 0 && access.socketOwner() != own
                ? UnixListener.open(path, BACKLOG, permissions, access.socketOwner())
                : UnixListener.open(path, BACKLOG, permissions);
    }

    private static void createFolder(Path folder) {
        if (Files.isDirectory(folder)) {
            return;
        }
        try {
            var mode = PosixFilePermissions.fromString(FOLDER_MODE);
            Files.createDirectories(folder, PosixFilePermissions.asFileAttribute(mode));
            // Whatever the mask has taken away.
            Files.setPosixFilePermissions(folder, mode);
        } catch (IOException e) {
            throw new UncheckedIOException(
                    "cannot make the folder %s; a user who may not needs XDG_RUNTIME_DIR"
                            .formatted(folder),
                    e);
        }
    }
}
