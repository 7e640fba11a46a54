package dev.ublk4j.server;

/** The guest of a queue that has its thread for itself. */
final class NoGuest implements QueueGuest {
    @Override
    public void started(Queue queue) {}

    @Override
    public void completed(long value, int result, int flags) {
        throw new AssertionError("nobody started this I/O: " + value);
    }

    @Override
    public boolean turn(boolean busy) {
        return false;
    }

    @Override
    public void stopped() {}
}
