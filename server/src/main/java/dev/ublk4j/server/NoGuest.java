package dev.ublk4j.server;

import dev.ublk4j.server.spi.QueueGuest;
import dev.ublk4j.server.spi.QueueGuests;
import dev.ublk4j.server.spi.QueueHost;

/** The guest of a queue that has its thread for itself. */
final class NoGuest implements QueueGuest {
    /**
     * {@return the guests of a target's queues, be there any or none}
     *
     * @param pinsMemory whether memory that is shared may be pinned where there are none
     */
    static QueueGuests guestsOf(Target target, boolean pinsMemory) {
        QueueGuests guests = target.ability(QueueGuests.class);
        return guests != null ? guests : new None(pinsMemory);
    }

    private record None(boolean pinsMemory) implements QueueGuests {
        @Override
        public QueueGuest guest(int queue) {
            return new NoGuest();
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
