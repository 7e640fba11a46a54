package dev.ublk4j.nbd;

import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.linux.Socket;
import java.lang.System.Logger.Level;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;

/** Waits for clients, on a thread of its own. */
final class Listener implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger(Listener.class.getName());

    /** How long to wait when there are no descriptors left: somebody may close some. */
    private static final long PAUSE_NANOS = 100_000_000;

    private final Socket socket;
    private final Consumer<Socket> onClient;
    private final Thread thread;
    private volatile boolean closed;

    /**
     * Listens, and starts.
     *
     * @param socket belongs to the listener from now on
     * @param onClient given each client, and must not throw
     */
    Listener(Socket socket, Consumer<Socket> onClient) {
        this.socket = socket;
        this.onClient = onClient;
        this.thread = Thread.ofPlatform().daemon().name("nbd-accept").start(this::acceptAll);
    }

    private void acceptAll() {
        int count = 0;
        while (!closed) {
            try {
                onClient.accept(socket.accept("client %d of %s".formatted(count++, socket)));
            } catch (LinuxException e) {
                if (!closed) {
                    LOG.log(Level.WARNING, "a client cannot be let in", e);
                    if (e.errno() == Errno.EMFILE || e.errno() == Errno.ENFILE) {
                        LockSupport.parkNanos(PAUSE_NANOS);
                    }
                }
            }
        }
    }

    /** Lets nobody in any more. */
    @Override
    public void close() {
        closed = true;
        socket.shutdown();
        try {
            thread.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        socket.close();
    }
}
