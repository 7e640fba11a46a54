package dev.ublk4j.server;

import dev.ublk4j.server.spi.QueueGuest;
import dev.ublk4j.server.spi.QueueGuests;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;

/** A target whose device has guests. */
final class GuestedDisk implements Target, QueueGuests {
    private final Target target;
    private final IntFunction<QueueGuest> guests;

    GuestedDisk(Target target, IntFunction<QueueGuest> guests) {
        this.target = target;
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

    @Override
    public Geometry geometry() {
        return target.geometry();
    }

    @Override
    public TargetQueue open(Queue queue) {
        return target.open(queue);
    }

    @Override
    public <A> @Nullable A ability(Class<A> type) {
        return type == QueueGuests.class ? type.cast(this) : target.ability(type);
    }

    @Override
    public void close() {
        target.close();
    }
}
