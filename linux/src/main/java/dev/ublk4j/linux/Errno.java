package dev.ublk4j.linux;

import java.util.Arrays;

/** The error numbers of {@code asm-generic/errno.h} that a block device or a ring can meet. */
public enum Errno {
    EPERM(1, "operation not permitted"),
    ENOENT(2, "no such file or object"),
    ESRCH(3, "no such process"),
    EINTR(4, "interrupted"),
    EIO(5, "input/output error"),
    ENXIO(6, "no such device or address"),
    E2BIG(7, "argument list too long"),
    EBADF(9, "bad file descriptor"),
    EAGAIN(11, "try again"),
    ENOMEM(12, "out of memory"),
    EACCES(13, "permission denied"),
    EFAULT(14, "bad address"),
    ENOTBLK(15, "block device required"),
    EBUSY(16, "device or resource busy"),
    EEXIST(17, "already exists"),
    EXDEV(18, "invalid cross-device link"),
    ENODEV(19, "no such device"),
    ENOTDIR(20, "not a directory"),
    EISDIR(21, "is a directory"),
    EINVAL(22, "invalid argument"),
    ENFILE(23, "file table overflow"),
    EMFILE(24, "too many open files"),
    ENOTTY(25, "inappropriate request for this device"),
    ETXTBSY(26, "text file busy"),
    EFBIG(27, "file too large"),
    ENOSPC(28, "no space left"),
    ESPIPE(29, "illegal seek"),
    EROFS(30, "read-only file system"),
    EPIPE(32, "broken pipe"),
    EDOM(33, "argument out of domain"),
    ERANGE(34, "result out of range"),
    EDEADLK(35, "would deadlock"),
    ENAMETOOLONG(36, "name too long"),
    ENOLCK(37, "no locks available"),
    ENOSYS(38, "function not implemented"),
    ELOOP(40, "too many symbolic links"),
    EBADE(52, "invalid exchange"),
    EBADR(53, "bad request descriptor"),
    ENODATA(61, "no data available"),
    ETIME(62, "timer expired"),
    ESTALE(116, "stale file handle"),
    EREMOTEIO(121, "remote I/O error"),
    EDQUOT(122, "quota exceeded"),
    ENOLINK(67, "link has been severed"),
    EPROTO(71, "protocol error"),
    EBADMSG(74, "bad message"),
    EREMCHG(78, "remote address changed"),
    ETOOMANYREFS(109, "too many references"),
    EOVERFLOW(75, "value too large"),
    EILSEQ(84, "invalid byte sequence"),
    ENOTSOCK(88, "not a socket"),
    EMSGSIZE(90, "message too long"),
    ENOPROTOOPT(92, "no such protocol option"),
    EOPNOTSUPP(95, "operation not supported"),
    EUSERS(87, "too many users"),
    EADDRINUSE(98, "address in use"),
    EADDRNOTAVAIL(99, "address not available"),
    ECONNABORTED(103, "connection aborted"),
    ECONNRESET(104, "connection reset"),
    ENOBUFS(105, "no buffer space"),
    EISCONN(106, "already connected"),
    ENOTCONN(107, "not connected"),
    ESHUTDOWN(108, "shut down"),
    ETIMEDOUT(110, "timed out"),
    ECONNREFUSED(111, "connection refused"),
    EALREADY(114, "already in progress"),
    ECANCELED(125, "canceled"),
    EOWNERDEAD(130, "owner died"),
    /** A number that this list does not name. */
    UNKNOWN(0, "unknown error");

    private static final Errno[] BY_NUMBER = new Errno[134];

    static {
        Arrays.fill(BY_NUMBER, UNKNOWN);
        for (Errno errno : values()) {
            BY_NUMBER[errno.number] = errno;
        }
    }

    private final int number;
    private final String text;

    Errno(int number, String text) {
        this.number = number;
        this.text = text;
    }

    /** {@return the positive number, 0 for {@link #UNKNOWN}} */
    public int number() {
        return number;
    }

    /** {@return the number as calls return it: negative} */
    public int negated() {
        return -number;
    }

    /** {@return what it means, in a few lower-case words} */
    public String text() {
        return text;
    }

    /**
     * {@return the name of an error number}
     *
     * @param number positive, as in {@code errno}, or negative, as calls return it
     */
    public static Errno of(int number) {
        int positive = Math.abs(number);
        return positive < BY_NUMBER.length ? BY_NUMBER[positive] : UNKNOWN;
    }
}
