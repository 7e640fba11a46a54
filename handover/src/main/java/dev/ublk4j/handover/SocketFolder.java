package dev.ublk4j.handover;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

/** Where sockets are: of the machine, and of a user who may not write there. */
final class SocketFolder {
    private static final String SESSION = "XDG_RUNTIME_DIR";
    private static final String NAME = "ublk";

    private SocketFolder() {}

    /**
     * {@return the folder for sockets of this user's own servers} That of the machine, unless he
     * may not write there and has a folder for such files.
     *
     * @param standard that of the machine, which need not exist
     */
    static Path own(Path standard, Map<String, String> environment) {
        boolean isForAll =
                Files.exists(standard)
                        ? Files.isWritable(standard)
                        : Files.isWritable(standard.toAbsolutePath().getParent());
        String session = environment.getOrDefault(SESSION, "");
        // It may be another user's, left in the environment by su.
        return !isForAll && session.startsWith("/") && Files.isWritable(Path.of(session))
                ? Path.of(session, NAME)
                : standard;
    }

    /** {@return the socket of a device: that of the machine, or else the user's own} */
    static Path find(Path standard, Map<String, String> environment, int device) {
        Path socket = Exchange.socketPath(standard, device);
        Path own = Exchange.socketPath(own(standard, environment), device);
        return !Files.exists(socket) && Files.exists(own) ? own : socket;
    }
}
