package dev.ublk4j.client;

import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.sharedmemory.SharedMemory;
import java.nio.file.Path;

/** A server's consent to work in memory of the application's, until it is closed. Any thread. */
public interface Sharing extends AutoCloseable {
    /**
     * Hands memory over to a server, which takes it back when this process ends.
     *
     * @param socket where the server listens
     * @param memory belongs to the caller and may be closed any time after this
     * @throws LinuxException when there is no server, or it refuses
     */
    static Sharing over(Path socket, SharedMemory memory) {
        return new SocketSharing(socket, memory);
    }

    /** {@return whether it still holds: false once the server is gone} */
    boolean isActive();

    /**
     * Takes the memory back from the server; requests are copied from now on. A second call, or one
     * after the server has gone, does nothing.
     */
    @Override
    void close();
}
