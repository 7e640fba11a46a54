package dev.ublk4j.sharing;

import dev.ublk4j.linux.Peer;
import dev.ublk4j.linux.call.Syscall;
import java.util.Set;

/** Who may connect, and who may do more than see to their own buffers. */
final class Access {
    private static final int ROOT = 0;

    private final int server = (int) Syscall.call(Syscall.Call.GETUID, 0, 0, 0);
    private final int owner;
    private final Set<Integer> users;

    /**
     * Makes the rule.
     *
     * @param owner the device's, as the driver says
     * @param users who may connect in addition
     */
    Access(int owner, Set<Integer> users) {
        this.owner = owner;
        this.users = users;
    }

    /** {@return whether it may connect} */
    boolean admits(Peer peer) {
        return administers(peer) || users.contains(peer.uid());
    }

    /**
     * {@return whether it may do what concerns others: keep buffers, vouch for memory without a
     * seal, see and remove what is not its own}
     */
    boolean administers(Peer peer) {
        return peer.uid() == ROOT || peer.uid() == server || peer.uid() == owner;
    }

    /** {@return whose the socket is to be, so that everybody who may connect can get at it} */
    int socketOwner() {
        return owner;
    }

    /** {@return whether others than the socket's owner and root may connect} */
    boolean admitsOthers() {
        return (owner != server && server != ROOT) || !users.isEmpty();
    }
}
