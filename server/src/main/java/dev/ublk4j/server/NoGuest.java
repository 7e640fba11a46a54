package dev.ublk4j.server;

import dev.ublk4j.server.spi.QueueGuest;
import dev.ublk4j.server.spi.QueueGuests;
import dev.ublk4j.server.spi.QueueHost;

/** The guest of a queue that has its thread for itself. */
final class NoGuest implements QueueGuest {
    /** {@return the guests of a target's queues, be there any or none} */
    static QueueGuests guestsOf(Target target) {
        QueueGuests guests = target.ability(QueueGuests.class);
        return guests != null ? guests : new None();
    }

    private static final class None implements QueueGuests {
        @Override
        public QueueGuest guest(int queue) {
            return new NoGuest();
        }

        @Override
        public boolean pinsMemory() {
            return true;
        }
    }

    @Override
    public void started(QueueHost host) {}

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
