package dev.ublk4j.nbd;

import dev.ublk4j.linux.EventFd;
import dev.ublk4j.linux.socket.AcceptLoop;
import dev.ublk4j.linux.socket.Socket;
import java.util.function.Consumer;
import java.util.function.IntSupplier;

/** Lets clients in, on a thread of its own, until it is closed. */
final class Listener implements AutoCloseable {
    private final Socket socket;
    private final EventFd stop = EventFd.nonBlocking();
    private final Thread thread;

    /**
     * Starts.
     *
     * @param socket listens; belongs to the listener from now on, unless this fails
     * @param spare how many descriptors must be free before a client is let in
     * @param onClient given each client, which is closed when it throws
     */
    Listener(Socket socket, IntSupplier spare, Consumer<Socket> onClient, Threads threads) {
        this.socket = socket;
        try {
            this.thread =
                    threads.start(
                            "nbd-accept", new AcceptLoop<>(socket, stop.fd(), spare, onClient));
        } catch (Throwable e) {
            stop.close();
            throw e;
        }
    }

    /** Lets nobody in any more. */
    @Override
    public void close() {
        stop.signal();
        boolean interrupted = false;
        while (thread.isAlive()) {
            try {
                thread.join();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
        socket.close();
        stop.close();
    }
}
