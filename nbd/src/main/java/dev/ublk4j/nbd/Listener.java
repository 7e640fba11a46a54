package dev.ublk4j.nbd;

import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.EventFd;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.linux.socket.Socket;
import java.lang.System.Logger.Level;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;

/**
 * Waits for clients, on a thread of its own, until it is closed. Whatever goes wrong with one turn,
 * there is another after a pause.
 */
final class Listener implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger(Listener.class.getName());

    /** How long to wait when something is short that may come back. */
    private static final long PAUSE_NANOS = 100_000_000;

    /**
     * Descriptors that must be free before a client is let in. It needs some, and so does all that
     * is done for the first time: a class that cannot be loaded once is missing for good.
     */
    private static final int SPARE = 16;

    private final Socket socket;
    private final Consumer<Socket> onClient;
    private final Complaint complaint = new Complaint(LOG);
    private final Thread thread;
    private volatile boolean closed;

    /**
     * Listens, and starts.
     *
     * @param socket belongs to the listener from now on, unless this fails
     * @param onClient given each client, which is closed when it throws
     */
    Listener(Socket socket, Consumer<Socket> onClient, Threads threads) {
        this.socket = socket;
        this.onClient = onClient;
        this.thread = threads.start("nbd-accept", this::acceptAll);
    }

    private void acceptAll() {
        for (int count = 0; !closed; count++) {
            try {
                Socket client = socket.accept("client %d of %s".formatted(count, socket));
                letIn(client);
                complaint.over(socket + ": accepting clients again");
            } catch (Throwable e) {
                if (!closed && !isOfOneClient(e)) {
                    complaint.make(
                            Level.WARNING,
                            "%s: clients have to wait, because they cannot be accepted: %s"
                                    .formatted(socket, e));
                    LockSupport.parkNanos(PAUSE_NANOS);
                }
            }
        }
    }

    private void letIn(Socket client) {
        try {
            awaitSpare();
            onClient.accept(client);
        } catch (Throwable e) {
            client.close();
            throw e;
        }
    }

    /** Has a client wait until there are descriptors for what it will need. */
    private void awaitSpare() {
        while (!closed) {
            List<EventFd> spare = new ArrayList<>();
            try {
                while (spare.size() < SPARE) {
                    spare.add(EventFd.blocking());
                }
                return;
            } catch (LinuxException e) {
                complaint.make(
                        Level.WARNING,
                        "%s: clients have to wait: %s".formatted(socket, e.getMessage()));
            } finally {
                spare.forEach(EventFd::close);
            }
            LockSupport.parkNanos(PAUSE_NANOS);
        }
    }

    /** {@return whether it says nothing about the next client} */
    private static boolean isOfOneClient(Throwable thrown) {
        return thrown instanceof LinuxException e
                && (e.errno() == Errno.ECONNABORTED || e.errno() == Errno.EPROTO);
    }

    /** Lets nobody in any more. */
    @Override
    public void close() {
        closed = true;
        socket.shutdown();
        LockSupport.unpark(thread);
        try {
            thread.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        socket.close();
    }
}
