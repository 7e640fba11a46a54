package dev.ublk4j.sharing;

import dev.ublk4j.handover.Exchange;
import dev.ublk4j.sharing.adopt.AdoptionRule;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Set;

/**
 * How memory is taken from applications.
 *
 * @param folder where the socket appears; created where it is missing
 * @param users who may connect, by number, beside root, the server's own user and the device's
 *     owner
 * @param limits how much they may share
 * @param patience how long a client may take over its first byte, and over a message once it has
 *     begun
 * @param idle how long a client may stay without a message and without a buffer
 * @param adoption of which processes memory is adopted whenever one appears
 */
public record SharingOptions(
        Path folder,
        Set<Integer> users,
        Limits limits,
        Duration patience,
        Duration idle,
        AdoptionRule adoption) {
    /** Checks the times. */
    public SharingOptions {
        if (patience.isNegative() || idle.isNegative()) {
            throw new IllegalArgumentException("negative time");
        }
        users = Set.copyOf(users);
    }

    /**
     * {@return {@code /run/ublk}, nobody else, {@link Limits#defaults}, 5 seconds, one minute, none
     * adopted}
     */
    public static SharingOptions defaults() {
        return new SharingOptions(
                Exchange.FOLDER,
                Set.of(),
                Limits.defaults(),
                Duration.ofSeconds(5),
                Duration.ofMinutes(1),
                AdoptionRule.none());
    }

    /** {@return the same with another folder} */
    public SharingOptions withFolder(Path newFolder) {
        return new SharingOptions(newFolder, users, limits, patience, idle, adoption);
    }

    /** {@return the same with other users} */
    public SharingOptions withUsers(Set<Integer> newUsers) {
        return new SharingOptions(folder, newUsers, limits, patience, idle, adoption);
    }

    /** {@return the same with other limits} */
    public SharingOptions withLimits(Limits newLimits) {
        return new SharingOptions(folder, users, newLimits, patience, idle, adoption);
    }

    /** {@return the same with other times} */
    public SharingOptions withTimes(Duration newPatience, Duration newIdle) {
        return new SharingOptions(folder, users, limits, newPatience, newIdle, adoption);
    }

    /** {@return the same with another rule of whose memory is adopted} */
    public SharingOptions withAdoption(AdoptionRule newAdoption) {
        return new SharingOptions(folder, users, limits, patience, idle, newAdoption);
    }
}
