package dev.ublk4j.client;

/** A server's consent to work in memory of the application's, until it is closed. Any thread. */
public interface Sharing extends AutoCloseable {
    /** {@return whether it still holds: false once the server is gone} */
    boolean isActive();

    /**
     * Takes the memory back from the server; requests are copied from now on. A second call, or one
     * after the server has gone, does nothing.
     */
    @Override
    void close();
}
