package dev.ublk4j.rbd;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Who uses an image, as its cluster says. Addresses are Ceph's: host, port and a number. Of an
 * image that is only read, the owner of the lock is who it was when that was opened.
 *
 * @param lockOwner address of the client that has the lock of the image, null where none has it
 * @param isOurs whether that client is this one
 * @param watchers addresses of the clients that have the image open to be written, this one
 *     included; a client that has died is among them until the cluster knows
 */
public record ImageUse(@Nullable String lockOwner, boolean isOurs, List<String> watchers) {
    /** Copies the list. */
    public ImageUse {
        watchers = List.copyOf(watchers);
    }
}
