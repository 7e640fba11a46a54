package dev.ublk4j.vhostuser;

import dev.ublk4j.vhostuser.blk.BlkDevice;
import java.nio.file.Path;
import java.time.Duration;

/**
 * How a disk is served over vhost-user.
 *
 * @param socket where clients connect; made when serving starts, and removed when it ends
 * @param serial what a guest finds as the disk's serial number, at most 20 printable characters of
 *     ASCII
 * @param longestPoll how long a queue's thread looks for requests, at most, before it sleeps; zero
 *     to always sleep at once
 * @param sealedOnly whether memory that a client could take away again is refused. The memory of
 *     QEMU's {@code memory-backend-memfd} is sealed, that of libblkio and of files in a file system
 *     cannot be. A client that cuts such a file short under its own requests makes them fail, and
 *     can bring its own device to a stop
 * @param pinned whether all memory of a client is pinned for a target that does fixed I/O, as the
 *     one of files does. All of it gets pages that it keeps, so the client must not give any back:
 *     a guest with a balloon would not get what it has read
 * @param packed whether a client may choose packed rings, as most do that know of them
 * @param patience how long a client that goes, or stops a ring, waits for the target to answer what
 *     is out of it. What a later answer needs stays until it comes
 */
public record VhostUserOptions(
        Path socket,
        String serial,
        Duration longestPoll,
        boolean sealedOnly,
        boolean pinned,
        boolean packed,
        Duration patience) {
    /** Checks the serial number. */
    public VhostUserOptions {
        if (serial.length() > BlkDevice.SERIAL_BYTES) {
            throw new IllegalArgumentException(
                    "a serial number of more than %d characters: %s"
                            .formatted(BlkDevice.SERIAL_BYTES, serial));
        }
        if (!serial.chars().allMatch(letter -> letter >= ' ' && letter <= '~')) {
            throw new IllegalArgumentException(
                    "a serial number is of printable ASCII characters alone: " + serial);
        }
    }

    private static final Duration DEFAULT_POLL = Duration.ofNanos(50_000);

    private static final Duration PATIENCE = Duration.ofSeconds(30);

    /** {@return the defaults at a socket} */
    public static VhostUserOptions at(Path socket) {
        return new VhostUserOptions(socket, "ublk4j", DEFAULT_POLL, false, false, true, PATIENCE);
    }

    /** {@return these options with another serial number} */
    public VhostUserOptions withSerial(String newSerial) {
        return new VhostUserOptions(
                socket, newSerial, longestPoll, sealedOnly, pinned, packed, patience);
    }

    /** {@return these options with another time to poll} */
    public VhostUserOptions withLongestPoll(Duration newLongestPoll) {
        return new VhostUserOptions(
                socket, serial, newLongestPoll, sealedOnly, pinned, packed, patience);
    }

    /** {@return these options, refusing memory that is not sealed, or not} */
    public VhostUserOptions withSealedOnly(boolean newSealedOnly) {
        return new VhostUserOptions(
                socket, serial, longestPoll, newSealedOnly, pinned, packed, patience);
    }

    /** {@return these options, pinning clients' memory, or not} */
    public VhostUserOptions withPinned(boolean newPinned) {
        return new VhostUserOptions(
                socket, serial, longestPoll, sealedOnly, newPinned, packed, patience);
    }

    /** {@return these options, with packed rings on offer or not} */
    public VhostUserOptions withPacked(boolean newPacked) {
        return new VhostUserOptions(
                socket, serial, longestPoll, sealedOnly, pinned, newPacked, patience);
    }

    /** {@return these options with another patience with the target} */
    public VhostUserOptions withPatience(Duration newPatience) {
        return new VhostUserOptions(
                socket, serial, longestPoll, sealedOnly, pinned, packed, newPatience);
    }
}
