package dev.ublk4j.nbd;

import java.time.Duration;

/**
 * How a server treats its clients.
 *
 * @param tls whether connections are encrypted
 * @param maxConnections how many clients at a time; who comes when there are so many is turned away
 * @param patience how long a client may take to choose an export, TLS included
 * @param longestPoll how long a queue's thread looks for requests of its clients, at most, before
 *     it sleeps; zero to always sleep at once
 */
public record NbdOptions(Tls tls, int maxConnections, Duration patience, Duration longestPoll) {
    private static final Duration DEFAULT_POLL = Duration.ofNanos(50_000);

    /** Checks the ranges. */
    public NbdOptions {
        if (maxConnections < 1 || maxConnections > QueueFront.MAX_CONNECTIONS) {
            throw new IllegalArgumentException(
                    "connections are not between 1 and %d: %d"
                            .formatted(QueueFront.MAX_CONNECTIONS, maxConnections));
        }
        if (!patience.isPositive()) {
            throw new IllegalArgumentException("patience is not positive: " + patience);
        }
        if (longestPoll.isNegative()) {
            throw new IllegalArgumentException("polls for less than no time: " + longestPoll);
        }
    }

    /**
     * {@return no TLS, 128 clients, half a minute for the handshake, polls of at most 50
     * microseconds}
     */
    public static NbdOptions defaults() {
        return new NbdOptions(Tls.off(), 128, Duration.ofSeconds(30), DEFAULT_POLL);
    }

    /** {@return the same with TLS} */
    public NbdOptions withTls(Tls newTls) {
        return new NbdOptions(newTls, maxConnections, patience, longestPoll);
    }

    /** {@return the same with another number of clients} */
    public NbdOptions withMaxConnections(int newMaxConnections) {
        return new NbdOptions(tls, newMaxConnections, patience, longestPoll);
    }

    /** {@return the same with another time for the handshake} */
    public NbdOptions withPatience(Duration newPatience) {
        return new NbdOptions(tls, maxConnections, newPatience, longestPoll);
    }

    /** {@return the same with another time to poll} */
    public NbdOptions withLongestPoll(Duration newLongestPoll) {
        return new NbdOptions(tls, maxConnections, patience, newLongestPoll);
    }
}
