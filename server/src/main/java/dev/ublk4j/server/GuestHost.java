package dev.ublk4j.server;

import dev.ublk4j.server.spi.QueueGuest;
import dev.ublk4j.server.spi.QueueHost;
import dev.ublk4j.uring.Ring;

/** What a queue's guest has of the queue. */
final class GuestHost implements QueueHost {
    private final Queue queue;
    private final QueueGuest guest;

    GuestHost(Queue queue, QueueGuest guest) {
        this.queue = queue;
        this.guest = guest;
    }

    @Override
    public int id() {
        return queue.id();
    }

    @Override
    public Ring ring() {
        return queue.ring();
    }

    @Override
    public long userData(long value) {
        return RequestId.guestUserData(value);
    }

    @Override
    public void call() {
        queue.doorbell().ring();
    }

    @Override
    public void drain() {
        Ring ring = queue.ring();
        ring.submitAndWait(0);
        ring.drain(this::onCompletion);
    }

    private void onCompletion(long userData, int result, int flags) {
        if (RequestId.kind(userData) == RequestId.KIND_GUEST) {
            guest.completed(RequestId.guestValue(userData), result, flags);
        }
    }

    @Override
    public String toString() {
        return queue.toString();
    }
}
