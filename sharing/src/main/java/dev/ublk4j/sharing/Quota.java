package dev.ublk4j.sharing;

import dev.ublk4j.handover.HandoverException;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.Fd;
import dev.ublk4j.linux.Poll;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;

/** Keeps to the {@link Limits}. Any thread. */
final class Quota {
    private static final long NANOS_PER_CHANGE =
            Duration.ofSeconds(1).toNanos() / Limits.CHANGES_PER_SECOND;

    private final Limits limits;
    private final Usage all = new Usage();
    private final Map<Integer, Usage> clients = new HashMap<>();
    private final Map<Integer, Pace> paces = new HashMap<>();

    Quota(Limits limits) {
        this.limits = limits;
    }

    private static final class Usage {
        private int connections;
        private int buffers;
        private long bytes;

        private boolean isNothing() {
            return connections == 0 && buffers == 0;
        }
    }

    /**
     * {@return whether one more connection of a client is within the limits, and counts it}
     *
     * <p>The last ones are for those who administer the device: whoever else has all the others,
     * root still comes in to see who that is.
     *
     * @param administers whether the client is root, the server's user or the device's owner
     */
    synchronized boolean tryEnter(int client, boolean administers) {
        Usage own = clients.getOrDefault(client, new Usage());
        int most = limits.connections() - (administers ? 0 : limits.reservedConnections());
        if (all.connections >= most || own.connections >= limits.connectionsPerClient()) {
            return false;
        }
        all.connections++;
        own.connections++;
        clients.put(client, own);
        return true;
    }

    /** How fast a user's buffers come and go. */
    private static final class Pace {
        private long freeNanos;
    }

    /**
     * Waits until a buffer of a user may come or go: see {@link #turnOf}.
     *
     * @param stop ends the wait, when it can be read
     */
    void awaitTurn(int user, Fd stop) {
        Duration wait = turnOf(user, System.nanoTime());
        if (!wait.isZero()) {
            try (Poll poll = new Poll(stop)) {
                poll.await(wait);
            }
        }
    }

    /**
     * {@return how long a user must wait before a buffer comes or goes} It is counted already.
     *
     * <p>A user may do at once as much as he may have buffers, so that a start is not slowed down;
     * who goes on and on does {@link Limits#CHANGES_PER_SECOND} in the long run, with all his
     * processes.
     *
     * @param now {@link System#nanoTime}
     */
    synchronized Duration turnOf(int user, long now) {
        paces.values().removeIf(pace -> pace.freeNanos - now < 0);
        Pace pace =
                paces.computeIfAbsent(
                        user,
                        _ -> {
                            Pace fresh = new Pace();
                            fresh.freeNanos = now;
                            return fresh;
                        });
        pace.freeNanos += NANOS_PER_CHANGE;
        long ahead = pace.freeNanos - now - NANOS_PER_CHANGE * limits.buffersPerClient();
        return Duration.ofNanos(Math.max(0, ahead));
    }

    /** Counts a connection no more. */
    synchronized void leave(int client) {
        Usage own = usage(client);
        all.connections--;
        own.connections--;
        forget(client, own);
    }

    /**
     * Counts a buffer of a client.
     *
     * @throws HandoverException {@code EDQUOT} when it would be beyond a limit
     */
    synchronized void take(int client, long bytes) {
        String refusal = refusal(client, 0, 0, bytes);
        if (!refusal.isEmpty()) {
            throw new HandoverException("REGISTER", "buffer", Errno.EDQUOT.negated(), refusal);
        }
        inherit(client, bytes);
    }

    /**
     * {@return which limit a buffer would pass, empty if none}
     *
     * @param buffers that the client is to have before, and that are not counted
     * @param bytes of these
     * @param more bytes of the buffer
     */
    synchronized String refusal(int client, int buffers, long bytes, long more) {
        Usage own = clients.getOrDefault(client, new Usage());
        if (all.buffers + buffers >= limits.buffers()
                || own.buffers + buffers >= limits.buffersPerClient()) {
            return "%d buffers are shared, %d of them by process %d; the limits are %d and %d"
                    .formatted(
                            all.buffers + buffers,
                            own.buffers + buffers,
                            client,
                            limits.buffers(),
                            limits.buffersPerClient());
        }
        if (more > limits.bytes() - all.bytes - bytes
                || more > limits.bytesPerClient() - own.bytes - bytes) {
            return "%d bytes are shared, %d of them by process %d; %d more pass the limits %d and %d"
                    .formatted(
                            all.bytes + bytes,
                            own.bytes + bytes,
                            client,
                            more,
                            limits.bytes(),
                            limits.bytesPerClient());
        }
        return "";
    }

    /** Counts a buffer of a client of a former server, which is there whatever the limits are. */
    synchronized void inherit(int client, long bytes) {
        Usage own = clients.computeIfAbsent(client, _ -> new Usage());
        all.buffers++;
        all.bytes += bytes;
        own.buffers++;
        own.bytes += bytes;
    }

    /** Counts a buffer no more. */
    synchronized void giveBack(int client, long bytes) {
        Usage own = usage(client);
        all.buffers--;
        all.bytes -= bytes;
        own.buffers--;
        own.bytes -= bytes;
        forget(client, own);
    }

    private Usage usage(int client) {
        Usage own = clients.get(client);
        if (own == null) {
            throw new IllegalStateException("nothing is counted for process " + client);
        }
        return own;
    }

    private void forget(int client, Usage own) {
        assert own.connections >= 0 && own.buffers >= 0 && own.bytes >= 0 : client;
        if (own.isNothing()) {
            clients.remove(client);
        }
    }

    /** {@return bytes of all buffers} */
    synchronized long bytes() {
        return all.bytes;
    }

    /** {@return connections} */
    synchronized int connections() {
        return all.connections;
    }

    /** {@return how many clients have something} */
    synchronized int clients() {
        return clients.size();
    }
}
