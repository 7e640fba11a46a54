package dev.ublk4j.nbd;

import java.time.Duration;

/**
 * How a server treats its clients.
 *
 * @param tls whether connections are encrypted
 * @param maxConnections how many clients at a time; who comes when there are so many is turned away
 * @param maxPayloads bytes of memory for data that is under way and does not fit into what each
 *     client has besides, {@link #CLIENT_BYTES}; of all clients together. When it is used up, what
 *     they send waits in their sockets
 * @param patience how long a client may take to choose an export, TLS included, and to go on with
 *     what it has begun: to send the next megabyte of a request, or its end, or to read a reply;
 *     while others wait for memory for payloads, to be done with all that it has of that
 * @param longestPoll how long a queue's thread looks for requests of its clients, at most, before
 *     it sleeps; zero to always sleep at once
 */
public record NbdOptions(
        Tls tls, int maxConnections, long maxPayloads, Duration patience, Duration longestPoll) {
    /** What each client may have besides, bytes. */
    public static final long CLIENT_BYTES = SharedAreas.BYTES;

    /** The least that {@link #maxPayloads} can be: two of the largest requests. */
    public static final long MIN_PAYLOADS = 2L * NbdExport.MAX_PAYLOAD + (1 << 20);

    private static final long DEFAULT_PAYLOADS = 256 << 20;

    private static final Duration DEFAULT_POLL = Duration.ofNanos(50_000);

    /** Checks the ranges. */
    public NbdOptions {
        if (maxConnections < 1 || maxConnections > QueueConnections.MAX_CONNECTIONS) {
            throw new IllegalArgumentException(
                    "the number of connections is not between 1 and %d: %d"
                            .formatted(QueueConnections.MAX_CONNECTIONS, maxConnections));
        }
        if (maxPayloads < MIN_PAYLOADS) {
            throw new IllegalArgumentException(
                    "the memory for payloads is less than %d bytes: %d"
                            .formatted(MIN_PAYLOADS, maxPayloads));
        }
        if (!patience.isPositive()) {
            throw new IllegalArgumentException("patience is not positive: " + patience);
        }
        if (longestPoll.isNegative()) {
            throw new IllegalArgumentException("the polling time is negative: " + longestPoll);
        }
    }

    /**
     * {@return no TLS, 128 clients, 256 MiB for payloads, half a minute of patience, polls of at
     * most 50 microseconds}
     */
    public static NbdOptions defaults() {
        return new NbdOptions(
                Tls.off(), 128, DEFAULT_PAYLOADS, Duration.ofSeconds(30), DEFAULT_POLL);
    }

    /** {@return the same with TLS} */
    public NbdOptions withTls(Tls newTls) {
        return new NbdOptions(newTls, maxConnections, maxPayloads, patience, longestPoll);
    }

    /** {@return the same with another number of clients} */
    public NbdOptions withMaxConnections(int newMaxConnections) {
        return new NbdOptions(tls, newMaxConnections, maxPayloads, patience, longestPoll);
    }

    /** {@return the same with so much memory for the payloads of all clients together} */
    public NbdOptions withMaxPayloads(long newMaxPayloads) {
        return new NbdOptions(tls, maxConnections, newMaxPayloads, patience, longestPoll);
    }

    /** {@return the same with another patience} */
    public NbdOptions withPatience(Duration newPatience) {
        return new NbdOptions(tls, maxConnections, maxPayloads, newPatience, longestPoll);
    }

    /** {@return the same with another time to poll} */
    public NbdOptions withLongestPoll(Duration newLongestPoll) {
        return new NbdOptions(tls, maxConnections, maxPayloads, patience, newLongestPoll);
    }
}
