package dev.ublk4j.embedded.queue;

import dev.ublk4j.linux.Errno;
import dev.ublk4j.uapi.wire.IoCommand;

/**
 * Whose turn it is with a tag: the driver's, the server's, or nobody's.
 *
 * <p>Only the thread that fetched the tag changes the state of a running device; see {@link
 * IoSlot}.
 */
public enum TagState {
    /*
     * The table (rows: state, columns: command; the number is the answer):
     *
     *                    FETCH_REQ   COMMIT_AND_FETCH   NEED_GET_DATA   anything else
     *   UNFETCHED        FETCHED     EINVAL             EINVAL          EINVAL
     *   FETCHED          EINVAL      EBUSY              EBUSY           EBUSY
     *   SERVED           EINVAL      FETCHED            EINVAL          EINVAL
     *   AWAITING_BUFFER  EINVAL      EINVAL             SERVED          EINVAL
     *   CANCELED         EINVAL      EBUSY              EBUSY           EBUSY
     *
     * An unfetched tag belongs to no thread, and a command from another thread than the tag's is
     * EINVAL before its state is looked at; that is the first row. Before FETCH_REQ gets here the
     * device has answered -ENODEV when it is being stopped and -EBUSY when it has all its tags.
     *
     * What moves a tag without a command: a request (FETCHED to SERVED, or to AWAITING_BUFFER for a
     * write of a device with NEED_GET_DATA), a stop (FETCHED to CANCELED), the end of the server
     * (everything to UNFETCHED).
     */

    /** Nobody has sent a command for the tag since the char device was opened. */
    UNFETCHED,
    /** The driver has the command and waits for a request. */
    FETCHED,
    /** The server has the request and owes its commit. */
    SERVED,
    /** The server knows of a write request and owes the buffer for its data. */
    AWAITING_BUFFER,
    /** The driver has answered the command with {@code UBLK_IO_RES_ABORT}; it takes no more. */
    CANCELED;

    /**
     * {@return 0 when a command is in order, or a negative errno}
     *
     * @param number the command's number, {@code UBLK_IO_...}
     */
    int answerTo(int number) {
        return switch (this) {
            case UNFETCHED -> answer(number == IoCommand.UBLK_IO_FETCH_REQ, Errno.EINVAL);
            case FETCHED, CANCELED ->
                    answer(
                            false,
                            number == IoCommand.UBLK_IO_FETCH_REQ ? Errno.EINVAL : Errno.EBUSY);
            case SERVED -> answer(number == IoCommand.UBLK_IO_COMMIT_AND_FETCH_REQ, Errno.EINVAL);
            case AWAITING_BUFFER -> answer(number == IoCommand.UBLK_IO_NEED_GET_DATA, Errno.EINVAL);
        };
    }

    /** {@return whether the server has a request of the tag} */
    boolean isServers() {
        return this == SERVED || this == AWAITING_BUFFER;
    }

    private static int answer(boolean inOrder, Errno otherwise) {
        return inOrder ? 0 : otherwise.negated();
    }
}
