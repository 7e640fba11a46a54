package dev.ublk4j.server;

import dev.ublk4j.server.spi.QueueGuest;
import dev.ublk4j.server.spi.QueueGuests;
import java.util.function.IntFunction;

/** A target whose device has guests. */
final class GuestedDisk extends ForwardingTarget implements QueueGuests {
    private final IntFunction<QueueGuest> guests;

    GuestedDisk(Target target, IntFunction<QueueGuest> guests) {
        super(target);
        this.guests = guests;
    }

    @Override
    public QueueGuest guest(int queue) {
        return guests.apply(queue);
    }

    @Override
    public boolean pinsMemory() {
        return true;
    }
}
