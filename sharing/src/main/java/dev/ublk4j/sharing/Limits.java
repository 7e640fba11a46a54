package dev.ublk4j.sharing;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * How much may be shared, in all and by one client, which is one process.
 *
 * <p>All of it is pinned, so it cannot be swapped out. A user who may connect at all can have
 * several processes; only the limits in all hold for those together.
 *
 * @param connections at a time
 * @param connectionsPerClient of those
 * @param buffers at a time
 * @param buffersPerClient of those
 * @param bytes of all buffers
 * @param bytesPerClient of those
 */
public record Limits(
        int connections,
        int connectionsPerClient,
        int buffers,
        int buffersPerClient,
        long bytes,
        long bytesPerClient) {
    /**
     * How often a user who does not administer the device may have a buffer come or go, in the long
     * run: each time the driver freezes the device, for as long as its requests take.
     */
    public static final int CHANGES_PER_SECOND = 20;

    private static final Path MEMORY = Path.of("/proc/meminfo");
    private static final String TOTAL = "MemTotal:";

    /** Checks that none is negative. */
    public Limits {
        long least =
                Math.min(
                        Math.min(
                                Math.min(connections, connectionsPerClient),
                                Math.min(buffers, buffersPerClient)),
                        Math.min(bytes, bytesPerClient));
        if (least < 0) {
            throw new IllegalArgumentException("negative limit: " + least);
        }
    }

    /**
     * {@return 64 connections, 16 of a client; 4096 buffers, 1024 of a client; half of the
     * machine's memory}
     */
    public static Limits defaults() {
        long half = memoryBytes() / 2;
        return new Limits(64, 16, 4096, 1024, half, half);
    }

    /**
     * {@return how many connections are for root, the server's user and the device's owner alone: a
     * sixteenth, at least one where there are two}
     */
    public int reservedConnections() {
        return connections < 2 ? 0 : Math.max(1, connections / 16);
    }

    /** {@return the same with other limits for bytes} */
    public Limits withBytes(long inAll, long perClient) {
        return new Limits(
                connections, connectionsPerClient, buffers, buffersPerClient, inAll, perClient);
    }

    /** {@return the same with other limits for buffers} */
    public Limits withBuffers(int inAll, int perClient) {
        return new Limits(
                connections, connectionsPerClient, inAll, perClient, bytes, bytesPerClient);
    }

    /** {@return the same with other limits for connections} */
    public Limits withConnections(int inAll, int perClient) {
        return new Limits(inAll, perClient, buffers, buffersPerClient, bytes, bytesPerClient);
    }

    private static long memoryBytes() {
        try {
            for (String line : Files.readAllLines(MEMORY)) {
                if (line.startsWith(TOTAL)) {
                    return Long.parseLong(line.replaceAll("\\D", "")) << 10;
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        throw new IllegalStateException(MEMORY + " does not tell the machine's memory");
    }
}
