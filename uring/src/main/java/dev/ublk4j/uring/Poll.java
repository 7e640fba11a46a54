package dev.ublk4j.uring;

/** Events of {@code poll(2)}, for {@link Ring#pollAdd}. */
public final class Poll {
    /** There is something to read. */
    public static final int POLLIN = 1;

    /** Something can be written. */
    public static final int POLLOUT = 4;

    /** An error; always reported. */
    public static final int POLLERR = 8;

    /** The other end is gone; always reported. */
    public static final int POLLHUP = 0x10;

    private Poll() {}
}
