package dev.ublk4j.client;

import dev.ublk4j.handover.Exchange;
import dev.ublk4j.handover.HandoverConnection;
import dev.ublk4j.handover.HandoverException;
import dev.ublk4j.handover.Registered;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.sharedmemory.SharedMemory;
import java.nio.file.Path;
import java.time.Duration;

/**
 * The consent of a server at the other end of a socket: it holds as long as the connection does.
 */
final class SocketSharing implements Sharing {
    /** A server that takes or gives back memory waits for the device's requests. */
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    private final HandoverConnection connection;
    private final Registered buffer;

    SocketSharing(Path socket, SharedMemory memory) {
        connection = HandoverConnection.open(socket, PATIENCE);
        try {
            buffer = register(memory);
        } catch (Throwable e) {
            connection.close();
            throw e;
        }
    }

    private Registered register(SharedMemory memory) {
        // The name tells this memory from any other: a server that has taken over from one that
        // died may still have it.
        String name =
                "pool of process %d, %s"
                        .formatted(ProcessHandle.current().pid(), memory.identity());
        try {
            return connection.register(memory.fd(), false, name);
        } catch (HandoverException e) {
            if (e.errno() != Errno.EEXIST) {
                throw e;
            }
            return connection.claim(memory.fd(), Exchange.NO_INDEX, name);
        }
    }

    @Override
    public boolean isActive() {
        return connection.isOpen();
    }

    @Override
    public void close() {
        try {
            if (connection.isOpen()) {
                connection.unregister(buffer.index());
            }
        } catch (HandoverException e) {
            // A server that dies meanwhile takes back what it had consented to.
            if (e.errno() != Errno.ECONNRESET) {
                throw e;
            }
        } finally {
            connection.close();
        }
    }

    @Override
    public String toString() {
        return connection + ", buffer " + buffer.index();
    }
}
